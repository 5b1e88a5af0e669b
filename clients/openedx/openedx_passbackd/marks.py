"""What the plugin keeps in Redis beside the stream: it is lost with the stream, and then everything is sent again."""

import time

import redis

from openedx_passbackd.publisher import Publisher


class Names:
    """The keys beside a stream."""

    def __init__(self, stream: str) -> None:
        #: Hash: how far the relay's sweeps have got.
        self.state = f"{stream}:openedx:state"
        #: Sorted set: courses that were published, by the time of it in seconds.
        self.published = f"{stream}:openedx:published"
        #: Hash: the digest of the tree that was sent of each course.
        self.trees = f"{stream}:openedx:trees"
        #: Sorted set: learners whose own trees are to be read, by the time of their newest score in seconds.
        self.due_trees = f"{stream}:openedx:due-trees"
        self._own_trees = f"{stream}:openedx:own-trees:"
        #: Pattern of the keys of all learners.
        self.all_own_trees = f"{self._own_trees}*"

    def own_trees(self, user_id: int) -> str:
        """Hash: the version and digest of the learner's own tree that was sent of each course."""
        return f"{self._own_trees}{user_id}"


def mark_published(publisher: Publisher, course_id: str) -> None:
    """Have the relay look at a course's structure; nothing where Redis is away."""

    def mark(client: redis.Redis) -> None:
        client.zadd(Names(publisher.stream).published, {course_id: time.time()})

    publisher.run(mark, what="a published course")
