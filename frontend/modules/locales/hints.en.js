// @ts-check
/** English texts of the hints for newcomers. */

export const hints = {
  number: (/** @type {number} */ number, /** @type {number} */ count, /** @type {string} */ title) => `Hint ${number} of ${count}: ${title}`,
  answer: "the answer",
  answerWords:
    "This panel has the class, its probability, and whether a person should look at the image. Over the image, the heat map shows the evidence.",
  review: "review with keys",
  reviewWords: (/** @type {string[]} */ ...[confirm, undo, next, help]) =>
    `${confirm} confirms the class, 1 to 9 assign another one, ${undo} undoes that, and ${next} opens the next image. ${help} lists all keys.`,
  waiting: "what waits for you",
  waitingWords: (/** @type {string} */ filter) => `Uncertain results stay in the worklist. To see only those, choose “${filter}” there under “Show”.`,
  next: "Next hint",
  end: "No more hints",
  done: "Understood",
};
