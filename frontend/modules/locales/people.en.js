// @ts-check
/** English texts of the comparison of a model with its reviewers, and of the review rule. */

export const people = {
  heading: "Model against people · ",
  what:
    "What reviewers said about the answers of the model. Their reviews count as right here, so these numbers are as good as the reviews.",
  model: "Model version",
  inUse: (/** @type {string} */ version) => `${version} (in use)`,
  allVersions: "All versions",
  from: "Images from",
  to: "to",
  none: (/** @type {string} */ count, /** @type {number} */ number) =>
    number === 0
      ? "This version has no answers in this period. Choose another version or period."
      : `None of the ${count} answers of this version in this period has been reviewed yet.`,
  incomplete: (/** @type {string} */ when) =>
    `There are too many images to count at once. Only those that arrived since ${when} are counted. Choose a shorter period.`,
  bias:
    "Reviewed images are not a random sample: images that are marked for review are reviewed more often, and they are the difficult " +
    "ones. So the numbers of all images mostly look worse than the model is; compare the two groups.",
  outdated: (/** @type {string} */ count, /** @type {number} */ number) =>
    number === 1
      ? "1 answer is not counted: it or its review names a class that the task no longer has."
      : `${count} answers are not counted: they or their reviews name classes that the task no longer has.`,
  group: "Images",
  groups: { all: "All images", marked: "Marked for review", unmarked: "Not marked for review" },
  answers: "Answers",
  reviewed: "Reviewed",
  reviewedOf: (/** @type {string} */ count, /** @type {string} */ share) => `${count} (${share})`,
  agreement: "Confirmed (95% CI)",
  countOf: (/** @type {string} */ count, /** @type {string} */ of) => `${count} of ${of}`,
  detailsOf: "Details of",
  noneInGroup: "No image of this group has been reviewed in this period.",
  confusion: {
    heading: "Confusion matrix",
    name: "Confusion matrix: rows are reviews, columns are answers of the model",
    meaning: "Rows: what the reviewers said; columns: what the model said. A number opens its images in the worklist.",
    corner: "Review ↓ Model →",
    cell: (/** @type {string} */ count, /** @type {number} */ number, /** @type {string} */ reviewed, /** @type {string} */ given) =>
      `${count} ${number === 1 ? "image" : "images"} reviewed as ${reviewed}, classified as ${given}`,
  },
  perClass: "Sensitivity and specificity",
  className: "Class",
  sensitivity: "Sensitivity (95% CI)",
  specificity: "Specificity (95% CI)",
  finding: "Any finding",
  intervals: "Intervals are Wilson's 95% score intervals. They do not account for several images of one patient.",
  calibration: {
    heading: "Calibration",
    meaning: "If the probabilities are right, as many answers are confirmed as their probability says.",
    chart: "Confirmed answers over their probability, with 95% confidence intervals. The table below shows the same data.",
    caption: "Bars show 95% confidence intervals. The table below shows the same data.",
    agreement: "Confirmed (95% CI)",
    ideal: "If the probabilities were right",
    bin: "Probability",
    range: (/** @type {string} */ low, /** @type {string} */ high) => `${low} to ${high}`,
    confidence: "Mean",
    error: (/** @type {string} */ value) => `Expected calibration error: ${value}.`,
  },
  weeks: {
    heading: "By week",
    chart: "Confirmed answers by the week in which the images arrived, with 95% confidence intervals. The table below shows the same data.",
    caption: "Weeks in which the images arrived. Bars show 95% confidence intervals. The table below shows the same data.",
    agreement: "Confirmed (95% CI)",
    week: "Week from",
  },
  rule: {
    heading: "Review rule of the model in use",
    meaning: (/** @type {string} */ probability) => `Answers with a probability below ${probability} are marked for review.`,
    own: "This is the model's own rule.",
    chosen: (/** @type {string} */ who, /** @type {string} */ when, /** @type {string} */ own) =>
      `Chosen by ${who} on ${when}; the model's own is ${own}.`,
    ownAgain: (/** @type {string} */ who, /** @type {string} */ when) => `This is the model's own rule, to which ${who} went back on ${when}.`,
    fixed: {
      "below-gate":
        "This model did not reach the required performance in its test, so all of its answers are marked for review, whatever their probability. " +
        "The rule cannot be changed.",
      "no-threshold":
        "The probabilities of this model do not tell which answers are right, so all of its answers are marked for review. " +
        "The rule cannot be changed.",
      "unknown-model": "The model on this task's endpoint does not describe itself, so the rule can only be changed in the task file.",
    },
    right: "change the review rule",
    slider: "Mark answers below",
    save: (/** @type {string} */ probability) => `Change to ${probability}…`,
    reset: (/** @type {string} */ probability) => `Use the model's own (${probability})…`,
    question: (/** @type {string} */ probability) => `Mark answers below ${probability} for review?`,
    forAll: (/** @type {string} */ probability) =>
      `New answers with a probability below ${probability} are marked for review, for all users, within one minute.`,
    resultsStay: "Existing results do not change.",
    oneVersion: (/** @type {string} */ version) => `The rule is for ${version} only. Another version starts with its own rule.`,
    recorded: "The change is recorded with your user id and the time.",
    change: "Change the rule",
    changed: (/** @type {string} */ probability) => `Answers below ${probability} are marked for review from now on.`,
    source: "With this probability",
    inTest: "In the model's test",
    byReviews: "By the reviews",
    coverage: "Not marked (95% CI)",
    accuracy: "Right among them (95% CI)",
    testImages: (/** @type {string} */ images, /** @type {string} */ version) =>
      `The test: ${images} labelled images that were kept out of the training of ${version}. Its numbers come with the model. Images ` +
      "that are classified here do not count in it, and may differ.",
    reviewedImages: (/** @type {string} */ reviewed, /** @type {string} */ answers) =>
      `The reviews: the ${reviewed} reviewed ones of the ${answers} images that this version has classified here.`,
    fewReviews: (/** @type {string} */ count, /** @type {string} */ needed) =>
      `The curve of the reviews is shown from ${needed} reviewed images on; there are ${count}.`,
    lines: { right: "Right among those not marked (test)", left: "Not marked (test)", confirmed: "Confirmed among those not marked (reviews)" },
    chart: "Share of answers that are not marked, and share of right ones among them, over the lowest probability without a review.",
    caption: "Over the lowest probability without a review. The vertical line is the rule. Between bins of the test's calibration, numbers are interpolated.",
    ownInTest: (/** @type {string} */ share, /** @type {string} */ accuracy) =>
      `With its own rule, the model's test marked ${share} of the images; of the rest, ${accuracy} were right.`,
    others: (/** @type {string} */ margin) =>
      `Whatever the probability, out-of-distribution images are marked, and answers whose second class is less than ${margin} behind.`,
  },
};
