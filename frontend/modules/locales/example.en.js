// @ts-check
/** English texts of the example images. */

export const example = {
  name: "Example",
  heading: "An example image",
  drawn: "This image is a drawing and shows no patient. The model may find that it differs from real images.",
  from: "Source:",
  resized: "reduced in size. The image is from the data set that the model was trained on.",
  unstored: "It was classified like any other image. Neither the image nor this result is stored, so it is in no list and cannot be reviewed.",
  own: "Add your own images",
};
