// @ts-check
/** Turns pointer and wheel events into zooming, panning, windowing and drawing. */

/** One wheel notch (100) zooms by a quarter. */
const WHEEL_ZOOM = 0.0022;

/** @typedef {"move" | "window" | "draw"} Doing */

/**
 * @typedef {object} Handlers
 * @property {(factor: number, at: {x: number, y: number}) => void} onZoom
 * @property {(right: number, down: number) => void} onMove screen pixels
 * @property {(right: number, down: number) => void} onWindow shares of the element's size
 * @property {() => void} onWindowed the drag has ended
 * @property {() => void} onToggle between the whole image and an enlarged part
 * @property {(at: {x: number, y: number}, phase: "begin" | "move" | "end" | "cancel") => void} onDraw
 * @property {(at: {x: number, y: number} | null) => void} onHover the mouse moves over the element, or has left it
 * @property {(touch: boolean, shift: boolean, at: {x: number, y: number}) => Doing | null} drag what dragging with one pointer does
 */

/**
 * @param {HTMLElement} element
 * @param {Handlers} handlers
 */
export function followGestures(element, handlers) {
  /** @type {Map<number, {x: number, y: number}>} by pointer */
  const held = new Map();
  /** @type {Doing | null} */
  let doing = null;

  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    handlers.onZoom(Math.exp(-event.deltaY * WHEEL_ZOOM * (event.deltaMode === 1 ? 16 : 1)), within(element, event));
  }, { passive: false });

  element.addEventListener("pointerdown", (event) => {
    if (event.button > 1 || isControl(event)) return;
    const at = within(element, event);
    held.set(event.pointerId, at);
    // A second finger zooms.
    if (doing === "draw") handlers.onDraw(at, "cancel");
    doing = handlers.drag(event.pointerType === "touch", event.shiftKey, at);
    if (event.button === 1) doing = "move";
    if (!doing && held.size < 2) return;
    if (doing === "draw" && held.size === 1) handlers.onDraw(at, "begin");
    element.setPointerCapture(event.pointerId);
    // Prevents scrolling with the middle button, and text selection while dragging.
    if (event.pointerType === "mouse") event.preventDefault();
    element.focus({ preventScroll: true });
  });

  element.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    const now = within(element, event);
    if (event.pointerType !== "touch") handlers.onHover(now);
    if (!before) return;
    const others = [...held].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    held.set(event.pointerId, now);
    if (others.length === 1) pinch(others[0], before, now, handlers);
    else if (others.length === 0 && doing === "move") handlers.onMove(now.x - before.x, now.y - before.y);
    else if (others.length === 0 && doing === "draw") handlers.onDraw(now, "move");
    else if (others.length === 0 && doing === "window") {
      handlers.onWindow((now.x - before.x) / element.clientWidth, (now.y - before.y) / element.clientHeight);
    }
  });

  const release = (/** @type {PointerEvent} */ event) => {
    if (!held.delete(event.pointerId)) return;
    if (doing === "window") handlers.onWindowed();
    if (doing === "draw" && held.size === 0) handlers.onDraw(within(element, event), event.type === "pointerup" ? "end" : "cancel");
    if (held.size === 0) doing = null;
  };
  element.addEventListener("pointerup", release);
  element.addEventListener("pointercancel", release);
  element.addEventListener("pointerleave", () => handlers.onHover(null));
  element.addEventListener("dblclick", (event) => {
    if (!isControl(event)) handlers.onToggle();
  });
}

/**
 * @param {{x: number, y: number}} other
 * @param {{x: number, y: number}} before
 * @param {{x: number, y: number}} now
 * @param {Handlers} handlers
 */
function pinch(other, before, now, handlers) {
  const distance = (/** @type {{x: number, y: number}} */ place) => Math.hypot(place.x - other.x, place.y - other.y) || 1;
  handlers.onZoom(distance(now) / distance(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  handlers.onMove((now.x - before.x) / 2, (now.y - before.y) / 2);
}

/**
 * @param {HTMLElement} element
 * @param {MouseEvent} event
 */
function within(element, { clientX, clientY }) {
  const { left, top } = element.getBoundingClientRect();
  return { x: clientX - left, y: clientY - top };
}

/** @param {Event} event */
const isControl = ({ target }) => target instanceof Element && target.closest("button, a, summary, details") !== null;
