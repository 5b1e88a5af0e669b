"""What the sample platform decides about a request: from a record to a reply. No HTTP; times are microseconds."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from daemon.demo.platform.assertion import RefusedAssertionError
from daemon.demo.platform.documents import column_document, is_asked_for, one_page, read_new_column, result_rows
from daemon.demo.platform.gradebook import Gradebook, GradebookColumn
from daemon.demo.platform.kind import (
    AgsMediaType,
    PlatformKind,
    PlatformReply,
    json_reply,
)
from daemon.demo.platform.request import PlatformOperation, PlatformRequest
from daemon.demo.platform.rules import MICROS_PER_SECOND
from daemon.demo.platform.scores import ScoreFormatError, SentScore, read_sent_score
from daemon.demo.platform.tokens import AgsScope, TokenForm, TokenOffice

TOKEN_PATH = "/login/oauth2/token"  # noqa: S105 - a path


class RefusedRequestError(Exception):
    """*why*: a key of :attr:`PlatformKind.refusals`."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(why)
        self.why, self.detail = why, detail


class PlatformService:
    """
    One platform without its server.

    *origin*: scheme and authority of its addresses. *learners*: user ids in all courses; None: any user id is one.
    *refused_learners*: user id to why each score of that learner is refused. *page_size*: rows a page.
    """

    def __init__(self, kind: PlatformKind, origin: Callable[[], str]) -> None:
        self.kind = kind
        self.origin = origin
        self.gradebook = Gradebook(kind.rule, kind.digits)
        self.office = TokenOffice(kind.assertion, kind.scopes)
        self.learners: set[str] | None = None
        self.refused_learners: dict[str, str] = {}
        self.page_size = 50
        self._numbers = count(1)
        container = re.escape(kind.container_path).replace(re.escape("{context}"), "([^/]+)")
        self._container = re.compile(container)

    @property
    def token_url(self) -> str:
        return self.origin() + TOKEN_PATH

    def add_column(self, context: str = "1", **fields: Any) -> GradebookColumn:
        """Make a line item; *fields* are a :class:`GradebookColumn`'s."""
        container = self.kind.container_path.format(context=context)
        path = container + self.kind.item_path.format(number=next(self._numbers))
        column = GradebookColumn(**{"path": path, "context": context, "label": path, **fields})
        self.gradebook.columns[column.path] = column
        return column

    def address(self, column: GradebookColumn) -> str:
        """The URL of a line item."""
        return self.origin() + column.path + self.kind.query

    def read(self, record: PlatformRequest) -> None:
        """Note on *record* what it asks for, as far as that can be read."""
        self._route(record)
        self._identify(record)
        try:
            if record.operation == "score":
                record.sent = read_sent_score(record.body)
            elif record.operation == "token":
                asked = TokenForm.read(record.headers.get("Content-Type", ""), record.body)
                record.client_id, record.scopes = asked.client_id, asked.scopes
        except (ScoreFormatError, RefusedAssertionError):
            pass  # serve() refuses it

    def _route(self, record: PlatformRequest) -> None:
        path, suffix = record.path, ""
        for ending in ("/scores", "/results"):
            if path.endswith(ending):
                path, suffix = path.removesuffix(ending), ending
        if path == TOKEN_PATH:
            record.operation = "token"
        elif suffix:
            record.operation, record.column = ("score" if suffix == "/scores" else "results"), path
        elif path in self.gradebook.columns:
            record.operation, record.column = "line item", path
        elif self._container.fullmatch(path):
            record.operation, record.column = ("create" if record.method == "POST" else "line items"), path

    def _identify(self, record: PlatformRequest) -> None:
        token = self.office.find(record.headers)
        record.client_id = token.client_id if token else None
        if scopes := self._scopes(record.operation):
            # Now: what lands later was let in before.
            record.token_refusal = self.office.refusal(record.headers, scopes, now=record.arrived / MICROS_PER_SECOND)

    async def serve(self, record: PlatformRequest, now: int) -> PlatformReply:
        """Do what a request asks for, or refuse it; note on it which."""
        try:
            if record.operation == "token":
                return await self._give_token(record, now)
            return self._serve(record, now)
        except RefusedAssertionError as refused:
            record.decision = refused.why
            return self.kind.refuse_token(refused.why, str(refused))
        except RefusedRequestError as refused:
            record.decision = refused.why
            return self.kind.refuse(refused.why, refused.detail)

    async def _give_token(self, record: PlatformRequest, now: int) -> PlatformReply:
        if record.method != "POST":
            raise RefusedAssertionError("form", "a token is asked for by POST")
        request = TokenForm.read(record.headers.get("Content-Type", ""), record.body)
        token = await self.office.give(request, audience=self.token_url, now=now / MICROS_PER_SECOND)
        record.decision = "token"
        answer: dict[str, object] = {"access_token": token.text, "token_type": "Bearer"}
        if self.kind.expires_in != "absent":
            life = int(self.office.life)
            answer["expires_in"] = life if self.kind.expires_in == "number" else str(life)
        if self.kind.says_scopes is not None:
            answer["scope"] = self.kind.says_scopes(token.scopes)
        return json_reply(answer)

    def _scopes(self, operation: PlatformOperation) -> tuple[str, ...]:
        """The scopes of which an access token needs one."""
        match operation:
            case "score":
                return (AgsScope.SCORE,)
            case "results":
                return (AgsScope.RESULTS,)
            case "create":
                return (AgsScope.LINE_ITEMS,)
            case "line item" | "line items":
                return self.kind.reads_line_items_with
        return ()

    def _serve(self, record: PlatformRequest, now: int) -> PlatformReply:
        if record.operation == "unknown" or (record.operation == "results" and not self.kind.has_results):
            raise RefusedRequestError("address")
        if record.token_refusal:
            raise RefusedRequestError(record.token_refusal)
        match record.operation:
            case "score":
                return self._store(record, now)
            case "results":
                return self._results(record)
            case "line item":
                return self._line_item(record)
            case "line items":
                return self._line_items(record)
        return self._create(record)

    def _column(self, record: PlatformRequest, method: str) -> GradebookColumn:
        column = self.gradebook.columns.get(record.column or "")
        if column is None:
            raise RefusedRequestError("line item")
        if not set(self.kind.query[1:].split("&")) <= {*record.path_qs.partition("?")[2].split("&"), ""}:
            raise RefusedRequestError("address")
        if record.method != method:
            raise RefusedRequestError("method")
        return column

    def _store(self, record: PlatformRequest, now: int) -> PlatformReply:
        column = self._column(record, "POST")
        if record.headers.get("Content-Type") != AgsMediaType.SCORE:
            raise RefusedRequestError("media type")
        try:
            sent = read_sent_score(record.body)
        except ScoreFormatError as fault:
            raise RefusedRequestError("field", str(fault)) from None
        self._check_place(column, sent.user_id)
        sent = self._within(sent)
        if self.kind.submissions:
            sent = self._submission(column, sent, now)
        effect = self.kind.effect_of(sent)
        if effect is None:
            raise RefusedRequestError("clear")
        decision = self.gradebook.put(column, sent, effect, now=now, number=record.number)
        record.held = self.gradebook.grade(column.path, sent.user_id)
        if decision in ("older", "equal"):
            raise RefusedRequestError(decision, self._since(column, sent))
        record.decision = decision
        return self.kind.stored

    def _check_place(self, column: GradebookColumn, user_id: str) -> None:
        if column.refusal:
            raise RefusedRequestError(column.refusal)
        if self.learners is not None and user_id not in self.learners:
            raise RefusedRequestError("learner")
        if user_id in self.refused_learners:
            raise RefusedRequestError(self.refused_learners[user_id])

    def _since(self, column: GradebookColumn, sent: SentScore) -> str:
        since = self.gradebook.cells[column.path, sent.user_id].since or 0
        return datetime.fromtimestamp(since // MICROS_PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

    def _within(self, sent: SentScore) -> SentScore:
        if (sent.share or 0) <= 1:
            return sent
        if self.kind.above != "clipped":
            raise RefusedRequestError("above" if self.kind.above == "refused" else "broken")
        return replace(sent, given=sent.maximum)

    def _submission(self, column: GradebookColumn, sent: SentScore, now: int) -> SentScore:
        if sent.submitted_at is not None and sent.submitted_at > now:
            raise RefusedRequestError("submitted at")
        is_new = sent.new_submission is not False
        cell = self.gradebook.cells.get((column.path, sent.user_id))
        if is_new and column.attempts is not None and cell and cell.submissions >= column.attempts:
            raise RefusedRequestError("attempts")
        return replace(sent, new_submission=is_new)

    def _results(self, record: PlatformRequest) -> PlatformReply:
        column = self._column(record, "GET")
        self._accept(record, AgsMediaType.RESULTS, self.kind.accept_results)
        rows = list(result_rows(self.gradebook, column, self.address(column), has_time=self.kind.results_have_time))
        if self.kind.filters_results and "user_id" in record.query:
            rows = [row for row in rows if row["userId"] == record.query["user_id"]]
        return self._page(record, rows, AgsMediaType.RESULTS)

    def _line_item(self, record: PlatformRequest) -> PlatformReply:
        column = self._column(record, "GET")
        self._accept(record, AgsMediaType.LINE_ITEM, self.kind.accept_line_items)
        record.decision = "read"
        return json_reply(column_document(column, self.address(column)), content_type=AgsMediaType.LINE_ITEM)

    def _line_items(self, record: PlatformRequest) -> PlatformReply:
        if record.method != "GET":
            raise RefusedRequestError("method")
        self._accept(record, AgsMediaType.LINE_ITEMS, self.kind.accept_line_items)
        filters = record.query if self.kind.filters_line_items else {}
        columns = [column for column in self._of_container(record) if is_asked_for(column, filters)]
        return self._page(record, [column_document(one, self.address(one)) for one in columns], AgsMediaType.LINE_ITEMS)

    def _create(self, record: PlatformRequest) -> PlatformReply:
        if record.headers.get("Content-Type") != AgsMediaType.LINE_ITEM:
            raise RefusedRequestError("media type")
        try:
            fields = read_new_column(record.body)
        except ScoreFormatError as fault:
            raise RefusedRequestError("field", str(fault)) from None
        column = self.add_column(self._context(record), **fields)
        record.decision = "created"
        return json_reply(column_document(column, self.address(column)), 201, AgsMediaType.LINE_ITEM)

    def _context(self, record: PlatformRequest) -> str:
        found = self._container.fullmatch(record.path)
        return found[1] if found else ""

    def _of_container(self, record: PlatformRequest) -> list[GradebookColumn]:
        context = self._context(record)
        return [column for column in self.gradebook.columns.values() if column.context == context]

    def _page(self, record: PlatformRequest, rows: list[dict[str, Any]], content_type: str) -> PlatformReply:
        record.decision = "read"
        url = self.origin() + record.path
        return one_page(rows, url, record.query, kind=self.kind, content_type=content_type, size=self.page_size)

    @staticmethod
    def _accept(record: PlatformRequest, media_type: str, policy: str | None) -> None:
        wanted = {part.partition(";")[0].strip() for part in record.headers.get("Accept", "*/*").split(",")}
        good = {"exact": {media_type}, "or any": {media_type, "*/*"}, "json": {"application/json", "*/*"}}
        if policy is not None and not wanted & good[policy]:
            raise RefusedRequestError("not acceptable")
