"""Writes the synthetic comments beside it: ``python make.py`` gives the same files every time.

Every comment is put together from the phrases below; none was written by a patient.
"""

import csv
import io
import random
from pathlib import Path

HERE = Path(__file__).parent
ROWS = 400
ENGLISH = {
    "waiting": (
        ("the wait in the emergency room", "waiting for the doctor", "the queue at the desk", "the time I waited"),
        ("was short", "took hardly any time", "was much shorter than I feared", "was over in no time"),
        ("was far too long", "took more than four hours", "was endless", "dragged on without any reason"),
    ),
    "staff": (
        ("the nurses on the ward", "the doctors", "everybody at the reception", "the night staff"),
        ("were kind and patient", "listened to me", "were friendly", "took good care of me"),
        ("were rude", "did not listen to me", "were never friendly", "ignored my questions"),
    ),
    "food": (
        ("the meals", "lunch and dinner", "the breakfasts", "the dishes on the menu"),
        ("were warm and tasty", "were better than at home", "were fresh", "tasted good"),
        ("were cold", "were not fresh", "tasted of nothing", "could not be eaten"),
    ),
    "cleanliness": (
        ("the room", "the bathroom", "my bed", "the floor of the ward"),
        ("was spotless", "was cleaned every day", "was clean and tidy", "looked like new"),
        ("was dirty", "was not clean", "was never cleaned", "smelled badly"),
    ),
    "information": (
        ("the explanation of my treatment", "what they told me beforehand", "the discharge letter", "the advice"),
        ("was clear", "answered all my questions", "was easy to understand", "helped me a lot"),
        ("was confusing", "left all my questions open", "was impossible to understand", "came too late to help"),
    ),
}  # fmt: skip
CHINESE = {
    "waiting": (
        ("急诊的等候时间", "候诊", "挂号排队", "等医生的时间"),
        ("很短", "几乎不用等", "比预想的短多了", "一会儿就结束了"),
        ("太长了", "超过四个小时", "没完没了", "毫无理由地拖延"),
    ),
    "staff": (
        ("病房的护士", "医生们", "前台的工作人员", "夜班人员"),
        ("亲切又耐心", "认真听我说话", "很友好", "把我照顾得很好"),
        ("态度恶劣", "不听我说话", "一点也不友好", "不理会我的问题"),
    ),
    "food": (
        ("饭菜", "午餐和晚餐", "早餐", "菜单上的菜"),
        ("又热又好吃", "比家里的还好", "很新鲜", "味道不错"),
        ("是冷的", "不新鲜", "没有味道", "难以下咽"),
    ),
    "cleanliness": (
        ("病房", "卫生间", "我的病床", "走廊的地面"),
        ("一尘不染", "每天都打扫", "干净整洁", "像新的一样"),
        ("很脏", "不干净", "从来没有打扫", "有难闻的气味"),
    ),
    "information": (
        ("对治疗的解释", "手术前的说明", "出院小结", "给我的建议"),
        ("很清楚", "回答了我所有的问题", "容易理解", "对我帮助很大"),
        ("让人糊涂", "没有回答我的问题", "根本看不懂", "来得太晚没有用"),
    ),
}  # fmt: skip
FILLERS = {
    "en": ("I was there in the spring.", "My daughter came with me.", "It was my second stay.", "I write at home.", ""),
    "zh": ("我是春天去的。", "女儿陪我去的。", "这是我第二次住院。", "回家以后写的。", ""),
}  # fmt: skip


def rows(language: str) -> list[dict[str, str]]:
    """Return the comments in *language*: one in three is about two topics, one in ten rates them differently."""
    generator = random.Random(f"wardround feedback {language}")
    phrases = ENGLISH if language == "en" else CHINESE
    out = []
    for number in range(ROWS):
        topics = generator.sample(sorted(phrases), 2 if generator.random() < 1 / 3 else 1)
        positive = generator.random() < 0.5
        said = []
        for place, topic in enumerate(topics):
            mixed = place == 1 and generator.random() < 0.3
            about, good, bad = phrases[topic]
            said.append((generator.choice(about), generator.choice(good if positive != mixed else bad)))
        out.append(
            {
                "comment_id": f"{language}-{number:03d}",
                "comment": _written(said, generator.choice(FILLERS[language]), language),
                "sentiment": "positive" if positive else "negative",
                "first_topic": topics[0],
                "topics": "|".join(sorted(topics)),
            }
        )
    return out


def _written(said: list[tuple[str, str]], filler: str, language: str) -> str:
    if language == "zh":
        return "，".join(about + judged for about, judged in said) + "。" + filler
    text = " and ".join(f"{about} {judged}" for about, judged in said)
    return f"{text[0].upper()}{text[1:]}. {filler}".strip()


def table(language: str) -> bytes:
    """Return the file of the comments in *language*."""
    out = io.StringIO()
    writer = csv.DictWriter(out, ["comment_id", "comment", "sentiment", "first_topic", "topics"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(language))
    return out.getvalue().encode()


if __name__ == "__main__":
    for one in ("en", "zh"):
        (HERE / f"feedback-{one}.csv").write_bytes(table(one))
