"""What the report says around its numbers."""

from __future__ import annotations

from gapt_core.experiment.training import HARMONY_LOSS, KL_BOUND

QUESTION = (
    "the same policy, post-trained with (`gapt`) and without (`rl`) the adversarial term, with the same seeds "
    "and steps: does diversity come back without a loss of harmony? `mle` is the policy that both start from, "
    "and its seeds are those of its playing."
)
ASKED = (
    "A claim on `gapt` against `rl` has to hold over the test split as a whole and on at least three `ood` sets "
    "taken alone. «Open» means that runs are missing."
)
LISTENER = "the chord half of a contrastive net that is no training reward"
FIGURES = (
    "Means over songs, then over sets, each set counting once; ± is half the 95 % t-interval over seeds. «In "
    "chord» is note in chord where both sound, «strict» counts silence as a miss, «run» is the longest run of "
    "onsets of one chord, «pcs» are pitch classes a chord. Vendi scores are per set, by {embedder}; they "
    "compare only within a column and for the same number of songs. More is not better: the mark is the "
    "ground truth."
)
TESTS = (
    "Wilcoxon's signed-rank test, two-sided, paired by piece; a piece's figure is its mean over the seeds of "
    "an arm. Holm's correction is over the {count} tests of this table. Differences have 95 % bootstrap "
    "intervals over pieces ({resamples} resamples). The rank-biserial correlation and Cohen's dz are those of "
    "matched pairs."
)
BY_SET = (
    "Vendi's ratio has a 95 % bootstrap interval over pieces, the same ones drawn in both arms; because resamples "
    "repeat songs and so score lower, it is their spread around their own mean that is used. Differences are "
    "`gapt` minus `rl`; Holm's correction is over the {count} tests of this table."
)
CURVES = (
    "Thin lines are runs, thick ones their mean; both are running means, of the five steps to either side, but for "
    "the thin line of an arm's only run. Rewards are sums over an episode, as weighted in training."
)
ADAPTATION = (
    "From bar 5 on the song is a tritone higher. Levels are of note in chord, mean over all songs of a split: "
    "before the jump, in the four beats after it, in all beats after it; and in single beats from the start "
    "of a song. Recovery ends at the first beat from which four beats have 90 % of the level before."
)
SESSIONS = "Songs of a set one after the other; means over the test sets of each quarter of a session."
WEIGHTS = (
    "Means over the test sets, ± half the t-interval over seeds; λ = 0 is `rl`, λ = 1 is `gapt`. KL, entropy "
    "and the discriminator's figures are of the last tenth of training. A run has diverged if its training "
    f"says so, if a figure of a step is not finite, if KL ends above {KL_BOUND:g} nats a choice, or if note in "
    f"chord in training ends more than {100 * HARMONY_LOSS:g} point below where it began."
)
SCHEDULES = (
    "`two-phase` is the paper's: at fixed intervals first, then only while the policy fools the discriminator; "
    "`fixed` stays in the first phase; `every` updates after every step. λ is 1."
)
LATENCY = (
    "A step of one song on the machine of the run, other runs beside it; a fresh net of the same dimensions "
    "is stepped in turns, so that the last column is fair."
)
