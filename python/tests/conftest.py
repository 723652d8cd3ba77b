import random

import pytest


@pytest.fixture(scope="session")
def articles() -> list[str]:
    """Texts of drawn words: 300 articles, of which every tenth is the one before with a word changed."""
    draw = random.Random(7)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(3000)]
    texts: list[str] = []
    for number in range(300):
        if number % 10 == 9:
            changed = texts[-1].split()
            changed[draw.randrange(len(changed))] = "changed"
            texts.append(" ".join(changed))
        else:
            texts.append(" ".join(draw.choices(words, k=draw.randint(80, 200))))
    return texts
