"""What a reader may answer to a question: as the judge in Python takes it, and as the one in question.js does."""
import itertools
import random

NUMBERS = ["", " ", "0", "-1", "-0", "007", "0x1F", "0X1f", "0x", "-0x5", "1 000", "1,000", "1_000", "1\u00a0000", "1\u202f000",
           "1  000", "1,,0", ",1", "1,", " 12 ", "\t7\n", "12.5", "1e3", "1.000", "\u0661\u0662", "\uff11\uff12", "\u00b2",
           "\u22125", "+5", "5 bytes", "`5`", "<b>5</b>", '"5"', "\\5", "constructor", "__proto__", "9" * 60, "9" * 61,
           "0x" + "f" * 40, "0x" + "f" * 41, "\ufeff7", "7\u2003", "\u00e9" * 30, "\U0001f600" * 30]


def replies(question):
    """[(for Python, for question.js)], among them the right one, each likely wrong one, none, and what is no answer."""
    choices, places = list(question.choices), range(len(question.choices))
    if question.kind == "single":
        return [(None, None), *((choices[n], n) for n in places)]
    if question.kind == "multiple":
        chosen = [some for size in range(len(choices) + 1) for some in itertools.combinations(places, size)]
        return [({choices[n] for n in some}, list(some)) for some in chosen]
    if question.kind == "number":
        answer = int(question.answer)
        known = [answer, answer - 1, answer + 1, answer * 1000, *map(int, question.rules["wrong"])]
        texts = [*map(str, known), *(f"{value:,}" for value in known), *(hex(value) for value in known if value >= 0), *NUMBERS]
        return [(text, text) for text in texts]
    orders = list(itertools.permutations(places))
    if len(orders) > 150:
        orders = random.Random(13).sample(orders, 150)
    right = question.rules["right"]
    orders += [(), (right[0],), tuple(right[:-1]), (*right[:-1], right[0]), tuple(right)]
    return [([choices[n] for n in some], list(some)) for some in orders]
