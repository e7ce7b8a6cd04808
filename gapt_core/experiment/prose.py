"""What the report says around its numbers."""

from __future__ import annotations

from gapt_core.experiment.training import HARMONY_LOSS, KL_BOUND

QUESTION = (
    "the same policy, post-trained with (`gapt`) and without (`rl`) the adversarial term, with the same seeds and "
    "steps: does diversity come back without a loss of harmony? `mle` is the policy that both start from, and "
    "its seeds are those of its playing."
)
OTHER_PAGES = {
    "finetune.md": "What fine-tuning does for a player's own songs, with chords and without, has a page of its own:"
}
"""Results that are not written here but lie in the folder of the pictures, by the names of their pages."""

ASKED = (
    "A claim on `gapt` against `rl` has to hold over the test split as a whole and on at least three `ood` sets "
    "taken alone. «Open» means that runs are missing."
)
PLAIN = "`chord_embedding`, which is not trained"
LISTENER = "the chord half of a contrastive net that is no training reward"
VARIED = "seed, λ and schedule"
JUDGES = (
    "What the reward nets of the kit score on test songs, as the kit's own record has it. Contrastive nets find a "
    "melody's own chords among those of the gallery, where luck finds 1 in as many as the gallery has; "
    "discriminative ones tell a song's pair of parts from one of two songs, and in «hard» also from pairs that "
    "were shifted, or whose chords chase the notes."
)
FIGURES = (
    "Means over songs, then over sets, each set counting once; ± is half the 95 % t-interval over seeds, and "
    "brackets are the 95 % bootstrap interval over pieces, drawn anew within each set ({resamples} resamples; for "
    "Vendi their spread alone, see below). «In chord» is note in chord where both sound, «strict» counts silence "
    "as a miss, «run» is the longest run of onsets of one chord, «pcs» are pitch classes a chord. Vendi scores "
    "compare only within a column and for the same number of songs. More is not better: the mark is the ground "
    "truth."
)
OVER_LUCK = (
    "«Over luck» is note in chord minus pcs / 12, what a note that could be any of the twelve would have: it "
    "takes off the harmony that was bought with fat chords."
)
OVER_NEXT = (
    "«Over next» is note in chord minus that of the same chords under the next song's melody: what a row owes to "
    "having listened, whatever its chords are like."
)
NO_NEXT = "These runs were measured before chords were tried under the next song's melody too."
TESTS = (
    "Wilcoxon's signed-rank test, two-sided, paired by piece; a piece's figure is its mean over the seeds of an "
    "arm. Holm's correction is over the {count} tests of this table. Differences have 95 % bootstrap intervals "
    "over pieces ({resamples} resamples). The rank-biserial correlation and Cohen's dz are those of matched "
    "pairs."
)
BY_SET = (
    "Vendi's ratio has a 95 % bootstrap interval over pieces, the same ones drawn in both arms; because resamples "
    "repeat songs and so score lower, it is their spread around their own mean that is used. Differences are "
    "`gapt` minus `rl`; Holm's correction is over the {count} tests of this table."
)
CURVES = (
    "Thin lines are runs, thick ones their mean; both are running means, of the five steps to either side, but "
    "for the thin line of an arm's only run. Rewards are sums over an episode, as weighted in training."
)
COLD = "Note in chord of single beats from the start of a song, mean over all songs of a split."
ADAPTATION = {
    "adaptation single": ("One change of key", "From bar 5 on the song is a tritone higher."),
    "adaptation multiple": (
        "Several changes of key",
        (
            "Bars 3 and 4 are higher by 6 semitones, 5 and 6 by 4, 7 and 8 lower by 10, then the song is home again. "
            "Figures are those of the last change; the area is since the first."
        ),
    ),
}
WINDOW = (
    "The window is {after} beats long, so that a policy that is back is so by beat {last}; «never» says that it "
    "did not happen in the window."
)
RECOVERY = (
    "Levels are of note in chord, mean over all songs of a split: before the change of key, in the four beats "
    "after it, and in the whole window after it; by chance, that of chords of the next song there. A policy is "
    "back at the first beat from which four beats have 90 % of the level before. Where 90 % of the level before "
    "is no more than chance, there is «nothing to regain»: the time to it means nothing, and counts as a miss."
)
SESSIONS = "Songs of a set one after the other; means over the sets of a split of each quarter of a session."
AHEAD = (
    "Note in chord where a chord is decided at its own frame; n beats before it sounds (+n); n beats at once "
    "(/n). «Kept n» is the share of the chords shown n beats before that came out so."
)
AGAINST = (
    "Both parts are played at once, the chords by the policy, the melody by the melody agent, in the bars of the "
    "songs. The shuffled duet has each melody under the next duet's chords."
)
NOT_MEASURED = "No run has this measured; `gapt experiment measure` does it."
RULE = (
    "Recommended in a mode is what fulfils all of this on the test sets: no run diverged, Vendi is at least "
    "{share:.0f} % of the data's, and note in chord is at most {lost:.0f} points below the best of this table. "
    "Because fat chords buy note in chord, the same rule is applied to what it is over luck as well."
)
WEIGHTS = (
    "Means over the test sets, ± half the t-interval over seeds; λ = 0 is `rl`, λ = 1 is `gapt`. KL, entropy "
    "and the discriminator's figures are of the last tenth of training. A run has diverged if its training "
    f"says so, if a figure of a step is not finite, if KL ends above {KL_BOUND:g} nats a choice, or if note in "
    f"chord in training ends more than {100 * HARMONY_LOSS:g} point below where it began."
)
AT_WEIGHT = (
    "The claims above with this weight in the place of λ = 1, over the same songs and against the same `rl` and "
    "`mle`. They were made for λ = 1; what is found here was looked for after that was known."
)
SCHEDULES = (
    "`two-phase` is the paper's: at fixed intervals first, then only while the policy fools the discriminator; "
    "`fixed` stays in the first phase; `every` updates after every step. λ is 1."
)
LATENCY = (
    "A step of one song on the machine of the run, other runs beside it; a fresh net of the same dimensions is "
    "stepped in turns, so that the last column is fair."
)
