-- One signed request after the other, each once: "signature<TAB>body" per line.
local requests, next_request = {}, 0

function init()
    for line in io.lines(os.getenv("REQUESTS")) do requests[#requests + 1] = line end
end

function request()
    next_request = next_request % #requests + 1
    local line = requests[next_request]
    local tab = line:find("\t", 1, true)
    return wrk.format("POST", nil, {
        ["Content-Type"] = "application/json",
        ["X-GitHub-Event"] = "push",
        ["X-Hub-Signature-256"] = "sha256=" .. line:sub(1, tab - 1),
    }, line:sub(tab + 1))
end
