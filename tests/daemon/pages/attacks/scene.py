"""What there is to be attacked: a grade, a campus, an event, users who come and go, and what attackers may know."""

from daemon.pages.access import COOKIE, SECURE_COOKIE
from daemon.pages.sessions import SESSION_SECONDS, Session, form_token, sign_session
from models.action import Action
from models.assignment import GradedAssignment
from models.campus import Campus
from models.consumer import LtiConsumer
from models.delivery import Delivery
from models.quarantine import QuarantinedEvent
from models.web_user import WebUser, end_sessions, remove_web_user, set_web_user
from tests.daemon.pages.conftest import PASSWORD
from tests.daemon.pages.proxied import SECRET, trust_proxy
from tests.daemon.pages.quarantined import kept
from tests.daemon.why.story import NOW, Story

SECONDS = NOW // 1000
#: Only one who is logged in may read it; in what no attacker is shown.
MARK = "what-is-said-of-a-learner"
TABLES = (GradedAssignment, Campus, LtiConsumer, QuarantinedEvent, Action, Delivery, WebUser)


class Scene:
    """*values*: what an attack may hold, by name."""

    def __init__(self, site, port, clock):
        self.site, self.port, self.clock, self._config = site, port, clock, site.config
        self.values = {"host": f"127.0.0.1:{port}", "port": str(port), "password": PASSWORD, "secret": SECRET}
        self.values |= {"SECRET": SECRET.upper(), "most of the secret": SECRET[:-1]}

    async def prepare(self, password_hash):
        """Make everything, for users anna (operator) and ben (support) who are there."""
        story = Story()
        await story.begin(accepted=True)
        await GradedAssignment.all().update(note=MARK)
        await Campus.all().update(last_error=MARK, last_error_at=NOW)
        event = await kept(1, user_id=MARK, consumer_key="key", course_id="course")
        self.values |= {
            "id": str((await GradedAssignment.get()).id),
            "campus": str((await Campus.first()).id),
            "event": str(event),
        }
        await self._know_sessions()
        await self._replay_sessions(password_hash)

    async def _know_sessions(self):
        anna, ben = await WebUser.get(name="anna"), await WebUser.get(name="ben")
        for user in (anna, ben):
            session = Session(user.id, SECONDS, f"nonce of {user.name}")
            self.values[user.name] = sign_session(session, user.session_key)
            self.values[f"token of {user.name}"] = form_token(session, user.session_key)
        right = self.values["anna"]
        head, _, signature = right.rpartition(".")
        named = Session(anna.id, 0, "named by a web server")

        def signed(began=SECONDS, user_id=anna.id, key=anna.session_key):
            return sign_session(Session(user_id, began, "nonce"), key)

        self.values |= {
            "token by proxy": form_token(named, anna.session_key),
            "token of ben by proxy": form_token(named, ben.session_key),
            "token of another session": form_token(Session(anna.id, SECONDS, "other"), anna.session_key),
            "token with ben's key": form_token(Session(anna.id, SECONDS, "nonce of anna"), ben.session_key),
            "session as token": right.partition(".")[2],
            "id of anna": str(anna.id),
            "hash": anna.password_hash,
            "length of form": str(len(f"token={self.values['token of anna']}&force=yes")),
            "head": head,
            "half": right[: len(right) // 2],
            "reversed": f"{head}.{signature[::-1]}",
            "one letter else": right[:-2] + ("A" if right[-2] != "A" else "B") + right[-1],
            "by ben's key": signed(key=ben.session_key),
            "ben's with this id": f"{anna.id}.{self.values['ben'].partition('.')[2]}",
            "of no one": signed(user_id=10**17),
            "of too large an id": signed(user_id=10**30),
            "of an id below zero": signed(user_id=-1),
            "of an id in other digits": right.replace(str(anna.id), "\u0661", 1),
            "by an empty key": signed(key=""),
            "by the hash as key": signed(key=anna.password_hash),
            "over": signed(began=SECONDS - SESSION_SECONDS),
            "of tomorrow": signed(began=SECONDS + 86_400),
            "token as session": f"{anna.id}.{self.values['token of anna']}",
        }

    async def _replay_sessions(self, password_hash):
        """Cookies of users who then logged out, or were changed."""
        for name in ("logged out", "new password", "removed", "added anew", "of another role", "without a password"):
            key = name.replace(" ", "-")
            await set_web_user(key, "operator", password_hash, now=NOW)
            user = await WebUser.get(name=key)
            session = Session(user.id, SECONDS, "nonce")
            self.values[name] = sign_session(session, user.session_key)
            self.values[f"token of {name}"] = form_token(session, user.session_key)
            match name:
                case "logged out":
                    await end_sessions(user)
                case "new password":
                    await set_web_user(key, "operator", password_hash, now=NOW)
                case "of another role":
                    await set_web_user(key, "support", password_hash, now=NOW)
                case "without a password":
                    await set_web_user(key, "operator", "", now=NOW)
                case _:
                    await remove_web_user(key)
            if name == "added anew":
                await set_web_user(key, "operator", password_hash, now=NOW)

    # --- Which web server is trusted ---

    def no_proxy(self):
        """None."""
        self.site.config = self._config

    def proxy(self):
        """One on this machine, which names users."""
        trust_proxy(self.site)

    def proxy_of_addresses(self):
        """One on this machine, which says no more than where visitors come from."""
        trust_proxy(self.site, user_header="")

    def proxy_elsewhere(self):
        """One on another machine."""
        trust_proxy(self.site, proxies=("192.0.2.0/24", "fd12::/32"))

    async def stored(self):
        """Every row that an attacker may want to change."""
        return [await model.all().order_by("id").values() for model in TABLES]


def cookie(session, name=COOKIE):
    return f"Cookie: {name}={session}"


def secure_cookie(session):
    return f"X-Forwarded-Proto: https\r\n{cookie(session, SECURE_COOKIE)}"
