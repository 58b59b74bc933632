"""The sample list of the demo: invented people with invented debts, the same for the same seed."""

import csv
import random
from datetime import date, timedelta
from pathlib import Path

COLUMNS = ("客户号", "案件号", "姓名", "手机号", "手机号2", "逾期天数", "欠款金额", "到期日", "证件后四位")
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡"
GIVEN_NAMES = ("伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "艳", "勇", "杰", "涛", "明", "霞", "平")
SECOND_NUMBER_SHARE = 0.3


def write_sample_list(path: Path, n_contacts: int, first_number: int, today: date, seed: int) -> None:
    """Writes a CSV list of `n_contacts`; numbers count up from `first_number` (11 digits, mobile), so none repeats."""
    chance = random.Random(seed)  # noqa: S311 - invented people, not secrets
    number = first_number
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for index in range(n_contacts):
            second = ""
            if chance.random() < SECOND_NUMBER_SHARE:
                second = _spelled(number + 1, chance)
            writer.writerow(
                (
                    f"C{first_number % 10000:04d}{index:05d}",
                    f"A{first_number % 10000:04d}{index:05d}",
                    chance.choice(SURNAMES) + chance.choice(GIVEN_NAMES),
                    _spelled(number, chance),
                    second,
                    chance.randint(1, 90),
                    f"{chance.lognormvariate(8.3, 0.8):.2f}",
                    (today + timedelta(days=chance.randint(1, 10))).isoformat(),
                    f"{chance.randrange(10_000):04d}",
                )
            )
            number += 2


def _spelled(number: int, chance: random.Random) -> str:
    """A number the way lists hold it: plain, with country code, grouped."""
    text = str(number)
    return chance.choice((text, f"+86{text}", f"86 {text}", f"{text[:3]}-{text[3:7]}-{text[7:]}", f"0086{text}"))
