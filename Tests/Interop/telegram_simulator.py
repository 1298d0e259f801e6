"""aiogram, a Bot API client that nobody here wrote, in a whole conversation with the simulated Telegram.

Each leg is a function that raises when something is wrong. The last line says how many passed and failed.
"""

import asyncio
import io
import json
import subprocess
import sys
import traceback
import urllib.request

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyParameters,
)

TOKEN = "7:simulated-token-of-nobody"
ANN = 42
GROUP = -1001234567890


class Stage:
    """The simulator's handles for people and weather."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.argv[1], "--port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        words = self.process.stdout.readline().split()
        self.base = next(word.rstrip(",") for word in words if word.startswith("http://"))

    def do(self, action, **arguments):
        request = urllib.request.Request(f"{self.base}/simulator/{action}", json.dumps(arguments).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            result = json.load(answer)
        assert result["ok"], result
        return result["result"]

    def bot(self, token=TOKEN):
        return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(self.base)))


async def refused(kind, awaitable, words=""):
    try:
        await awaitable
    except kind as error:
        assert words in str(error), error
        return error
    raise AssertionError(f"not refused with {kind.__name__}")


async def introduces_itself(stage, bot):
    me = await bot.get_me()
    assert me.id == 7 and me.is_bot and me.username == "simulated_bot"
    await bot.delete_webhook()
    assert (await bot.get_webhook_info()).url == ""
    await bot.set_my_commands([BotCommand(command="status", description="what runs")])
    assert [command.command for command in await bot.get_my_commands()] == ["status"]
    await refused(TelegramBadRequest, bot.set_my_commands([BotCommand(command="Not A Name", description="x")]))


async def converses(stage, bot):
    """Polling, an answer with entities and buttons, a tap, an edit: by the framework's own dispatcher."""
    dispatcher = Dispatcher()
    done = asyncio.Event()

    @dispatcher.message(F.text)
    async def answer(message):
        assert message.from_user.id == ANN and message.chat.type == "private"
        await message.reply(
            "🎉 bold",
            entities=[MessageEntity(type="bold", offset=3, length=4)],
            reply_markup=InlineKeyboardMarkup(
                inline_keyboard=[[InlineKeyboardButton(text="Allow", callback_data="a:1")]]
            ),
        )

    @dispatcher.callback_query()
    async def tapped(query):
        assert query.data == "a:1"
        await query.answer("done", show_alert=True)
        await query.message.edit_text("decided")
        done.set()

    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
    question = stage.do("say", **{"from": ANN, "text": "may I?"})
    for _ in range(200):
        shown = stage.do("shown", chat=ANN)
        if shown:
            break
        await asyncio.sleep(0.05)
    card = shown[0]
    assert card["reply_to_message"]["message_id"] == question
    assert card["entities"] == [{"type": "bold", "offset": 3, "length": 4}]
    tap = stage.do("press", button="Allow", message=card["message_id"], chat=ANN, **{"from": ANN})
    await asyncio.wait_for(done.wait(), 10)
    await dispatcher.stop_polling()
    await polling
    assert stage.do("shown", chat=ANN)[0]["text"] == "decided"
    state = stage.do("state")
    assert state["taps"][tap] == "done"
    # The framework commits what it handled when it stops.
    assert state["waiting"] == 0 and state["commits"]


async def keeps_a_ledger(stage, bot):
    numbers = [stage.do("say", **{"from": ANN, "text": f"{n}"}) for n in range(3)]
    first = await bot.get_updates(timeout=0)
    again = await bot.get_updates(timeout=0)
    assert [u.update_id for u in first] == [u.update_id for u in again]
    assert [u.message.message_id for u in first] == numbers
    rest = await bot.get_updates(offset=first[1].update_id, timeout=0)
    assert [u.message.text for u in rest] == ["1", "2"]
    newest = await bot.get_updates(offset=-1, timeout=0)
    assert [u.message.text for u in newest] == ["2"]
    # Far beyond the end is taken for a mistake.
    strange = await bot.get_updates(offset=newest[0].update_id + 1000, timeout=0)
    assert len(strange) == 1
    assert await bot.get_updates(offset=newest[0].update_id + 1, timeout=0) == []
    stage.do("say", **{"from": ANN, "text": "old"})
    stage.do("advance", seconds=25 * 3600)
    assert await bot.get_updates(timeout=0) == []


async def sees_every_kind(stage, bot):
    stage.do("group", id=GROUP, title="Ops", forum=True)
    thread = stage.do("topic", chat=GROUP, name="api")
    said = stage.do("say", **{"from": ANN, "chat": GROUP, "thread": thread, "text": "@simulated_bot /run"})
    stage.do("edit", chat=GROUP, message=said, text="changed")
    for name in ("a.png", "b.png"):
        stage.do("file", kind="photo", name=name, text=name, group="77", chat=GROUP, **{"from": ANN})
    await bot.get_updates(allowed_updates=["message", "edited_message", "message_reaction"], timeout=0)
    stage.do("react", emoji="👍", message=said, chat=GROUP, **{"from": ANN})
    updates = await bot.get_updates(timeout=0)
    message, edited, one, two, reaction = updates
    assert message.message.is_topic_message and message.message.message_thread_id == thread
    assert [e.type for e in message.message.entities] == ["mention", "bot_command"]
    assert edited.edited_message.text == "changed" and edited.edited_message.edit_date
    assert one.message.media_group_id == two.message.media_group_id == "77"
    assert reaction.message_reaction.new_reaction[0].emoji == "👍"
    await bot.get_updates(offset=updates[-1].update_id + 1, timeout=0)
    answer = await bot.send_message(GROUP, "here", message_thread_id=thread)
    assert answer.message_thread_id == thread
    await refused(TelegramBadRequest, bot.send_message(GROUP, "x", message_thread_id=1), "thread not found")
    topic = await bot.create_forum_topic(GROUP, "web")
    await bot.close_forum_topic(GROUP, topic.message_thread_id)
    await refused(TelegramBadRequest, bot.send_message(GROUP, "x", message_thread_id=topic.message_thread_id))


async def carries_files(stage, bot):
    stage.do("file", name="log.txt", text="line\n" * 1000, **{"from": ANN})
    stage.do("file", name="big.bin", size=21 << 20, text="x", **{"from": ANN})
    small, big = await bot.get_updates(timeout=0)
    assert small.message.document.file_name == "log.txt"
    content = io.BytesIO()
    await bot.download(small.message.document, destination=content)
    assert content.getvalue() == b"line\n" * 1000
    await refused(TelegramBadRequest, bot.get_file(big.message.document.file_id), "too big")
    await bot.get_updates(offset=big.update_id + 1, timeout=0)
    sent = await bot.send_document(ANN, BufferedInputFile(b"bytes \r\n\r\n --x", "r.txt"), caption="see")
    assert sent.document.file_name == "r.txt" and sent.document.file_size == 14 and sent.caption == "see"
    again = await bot.send_document(ANN, sent.document.file_id)
    assert again.document.file_id == sent.document.file_id
    album = await bot.send_media_group(
        ANN, [InputMediaPhoto(media=BufferedInputFile(b"p%d" % n, f"{n}.jpg")) for n in range(3)]
    )
    assert len({message.media_group_id for message in album}) == 1
    await refused(
        TelegramBadRequest, bot.send_media_group(ANN, [InputMediaPhoto(media=BufferedInputFile(b"p", "p.jpg"))])
    )


async def holds_the_rules(stage, bot):
    await refused(TelegramBadRequest, bot.send_message(ANN, "x" * 4097), "too long")
    await refused(TelegramBadRequest, bot.send_message(ANN, " \n"), "empty")
    await refused(TelegramBadRequest, bot.send_message(99999, "x"), "chat not found")
    half = [MessageEntity(type="bold", offset=1, length=1)]
    await refused(TelegramBadRequest, bot.send_message(ANN, "😀", entities=half))
    message = await bot.send_message(ANN, "text", reply_parameters=ReplyParameters(message_id=9999, allow_sending_without_reply=True))
    assert message.reply_to_message is None
    await refused(TelegramBadRequest, bot.send_message(ANN, "x", reply_parameters=ReplyParameters(message_id=9999)), "not found")
    await refused(TelegramBadRequest, bot.edit_message_text("text", chat_id=ANN, message_id=message.message_id), "not modified")
    await bot.set_message_reaction(ANN, message.message_id, [ReactionTypeEmoji(emoji="👀")])
    await refused(TelegramBadRequest, bot.set_message_reaction(ANN, message.message_id, [ReactionTypeEmoji(emoji="✅")]))
    long = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="a", callback_data="x" * 65)]])
    await refused(TelegramBadRequest, bot.send_message(ANN, "x", reply_markup=long), "BUTTON_DATA_INVALID")
    await bot.send_chat_action(ANN, "typing")
    await bot.delete_message(ANN, message.message_id)


async def moves_groups(stage, bot):
    stage.do("group", id=-5, title="Old")
    stage.do("migrate", chat=-5, to=-1005)
    last, first = await bot.get_updates(timeout=0)
    assert last.message.migrate_to_chat_id == -1005 and first.message.migrate_from_chat_id == -5
    error = await refused(Exception, bot.send_message(-5, "x"))
    assert getattr(error, "migrate_to_chat_id", None) == -1005, error
    await bot.get_updates(offset=first.update_id + 1, timeout=0)


async def has_weather(stage, bot):
    stage.do("weather", kind="flood", seconds=7, times=1)
    error = await refused(TelegramRetryAfter, bot.send_message(ANN, "x"))
    assert error.retry_after == 7
    stage.do("weather", kind="conflict", times=1, methods=["getUpdates"])
    await refused(TelegramConflictError, bot.get_updates(timeout=0))
    stage.do("weather", kind="broken", times=1)
    await refused(TelegramServerError, bot.send_message(ANN, "x"))
    stage.do("weather", kind="page", times=1)
    await refused(Exception, bot.send_message(ANN, "x"))
    stage.do("weather", kind="cut", times=1)
    await refused(TelegramNetworkError, bot.send_message(ANN, "x"))
    stage.do("weather", kind="silent", times=1)
    await refused(TelegramNetworkError, bot.send_message(ANN, "x", request_timeout=1))
    # Two polls at once: the older one ends.
    older = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.3)
    newer = asyncio.create_task(bot.get_updates(timeout=20))
    await refused(TelegramConflictError, older)
    stage.do("say", **{"from": ANN, "text": "awake"})
    assert (await newer)[0].message.text == "awake"
    stranger = stage.bot("7:another-token-of-nobody")
    await refused(TelegramUnauthorizedError, stranger.get_me())
    await stranger.session.close()


LEGS = [
    introduces_itself, converses, keeps_a_ledger, sees_every_kind, carries_files, holds_the_rules, moves_groups,
    has_weather,
]


async def main():
    failed = 0
    for leg in LEGS:
        stage = Stage()
        bot = stage.bot()
        try:
            stage.do("person", id=ANN, name="Ann")
            await asyncio.wait_for(leg(stage, bot), 60)
            print(f"passed: {leg.__name__}")
        except Exception:
            failed += 1
            traceback.print_exc()
            print(f"FAILED: {leg.__name__}")
        finally:
            await bot.session.close()
            stage.process.kill()
            stage.process.wait()
    print(f"{len(LEGS) - failed} passed, {failed} failed")
    return failed


sys.exit(1 if asyncio.run(main()) else 0)
