// @ts-check
/** English texts of blind reading, of second readers, and of their disagreements. */

export const reading = {
  heading: "Reading",
  blind: "Read blind",
  blindMeaning: "Hides the model’s answer and other readings of an image until you have saved yours.",
  second: "Second reader",
  secondMeaning: "Your reading is added to the review of another person instead of replacing it.",
  hidden: "Blind reading: the model’s answer and other readings appear once you have saved yours.",
  noConfirm: "Blind reading: choose a class by its button or number.",
  yours: "You: ",
  withModel: { same: "You agreed with the model", other: "You disagreed with the model" },
  withReview: { same: " and agreed with the review", other: " and disagreed with the review" },
  settled: "Settled as",
  disagreement: "Readers disagree",
  settleHint: "Choose which reading counts. Your choice becomes the review.",
  settleAs: "Settle as ",
  settledNow: "Settled.",
  marks: { blind: "blind", adjudication: "settled the disagreement", withdrawn: "withdrawn" },
};
