"""The inputs of the goldens: made up, plain Python, no package needed."""

ROWS = {
    # A pair that agrees with its reference, good and bad margins, and log-ratios of -300 and 400.
    "chosen_logps": [-12.5, -30.25, -7.75, -18.0, -41.5, -9.125, -320.0, -25.5],
    "rejected_logps": [-15.0, -22.5, -19.25, -18.0, -38.0, -30.5, -24.0, -410.0],
    "ref_chosen_logps": [-13.75, -28.5, -7.75, -21.0, -33.25, -9.0, -20.0, -27.0],
    "ref_rejected_logps": [-14.5, -25.0, -19.25, -16.5, -39.5, -24.25, -26.5, -10.0],
    "chosen_lengths": [5, 12, 4, 7, 16, 3, 9, 11],
    "rejected_lengths": [6, 9, 8, 7, 13, 12, 10, 4],
    "chosen_rewards": [5.0, 4.5, 4.0, 4.25, 5.0, 4.75, 4.0, 4.5],
    "rejected_rewards": [3.5, 1.0, 2.0, 3.0, 0.5, 3.25, 2.75, 1.5],
    "logps": [-12.5, -30.25, -7.75, -18.0, -41.5, -9.125, -320.0, -25.5],
    "ref_logps": [-13.75, -28.5, -7.75, -21.0, -33.25, -9.0, -20.0, -425.5],
    "q_logps": [-13.0, -29.0, -8.0, -20.5, -35.0, -9.25, -300.0, -26.0],
    "lengths": [5, 12, 4, 7, 16, 3, 9, 11],
    # At the threshold, at the mean and at the floor too.
    "rewards": [5.0, 4.0, 3.5, 2.0, 4.5, 3.0, 1.0, 5.0],
}
CONTEXTS = [0, 0, 1, 1, 1, 2, 0, 3]
MEAN, STD = 3.5, 1.3228756555322954  # of rewards: 28 / 8 and sqrt(14 / 8)

PAIR = ["chosen_logps", "rejected_logps", "ref_chosen_logps", "ref_rejected_logps"]
SCORED = ["logps", "rewards", "ref_logps"]
GOOD = [reward >= 4.0 for reward in ROWS["rewards"]]


def golden(package: str, version: str, cases: list[dict], **others) -> dict:
    return {"package": package, "version": version, **others, "cases": cases}
