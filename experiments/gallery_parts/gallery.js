// A click enlarges a picture beside its photograph; arrow keys go on to the next.
const pictures = [...document.querySelectorAll(".picture")];
const dialog = document.createElement("dialog");
dialog.innerHTML = "<div><img alt='photograph'><img alt=''></div><p></p>";
document.body.append(dialog);
const [before, after] = dialog.querySelectorAll("img");
let shown = 0;

function show(index) {
  shown = (index + pictures.length) % pictures.length;
  const picture = pictures[shown];
  before.src = picture.dataset.source;
  after.src = picture.getAttribute("href");
  after.alt = picture.title;
  dialog.querySelector("p").textContent = picture.title;
  if (!dialog.open) dialog.showModal();
}

pictures.forEach((picture, index) =>
  picture.addEventListener("click", (event) => {
    event.preventDefault();
    show(index);
  }),
);
dialog.addEventListener("click", () => dialog.close());
document.addEventListener("keydown", (event) => {
  if (!dialog.open) return;
  if (event.key === "ArrowRight") show(shown + 1);
  if (event.key === "ArrowLeft") show(shown - 1);
});
