// Which key was pressed, and whether it is a command or part of what somebody types. Pure but for reading the event.

export type KeyPress = Pick<
  KeyboardEvent,
  "key" | "code" | "altKey" | "ctrlKey" | "metaKey" | "shiftKey" | "isComposing" | "repeat" | "defaultPrevented"
>;

const BY_CODE: Readonly<Record<string, string>> = {
  Comma: ",",
  Period: ".",
  Minus: "-",
  Equal: "=",
  Slash: "/",
  Enter: "Enter",
  NumpadEnter: "Enter",
};
const NO_TEXT: ReadonlySet<string> = new Set([
  "button", "checkbox", "color", "file", "image", "radio", "range", "reset", "submit",
]);

/** The key as shortcuts name it: `a`, `1`, `,`, `?`, `Enter`; "" for one that no shortcut can have. */
export function keyOf(press: KeyPress): string {
  if (press.key === "?") return "?";
  if (/^[!-~]$/.test(press.key)) return press.key.toLowerCase();
  // A Chinese input method, or Alt on some machines, says something else than what is printed on the key.
  const letter = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(press.code)?.[1];
  if (press.code === "Slash" && press.shiftKey) return "?";
  return letter?.toLowerCase() ?? BY_CODE[press.code] ?? "";
}

/** Whether keys pressed there write something. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !NO_TEXT.has(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

export interface Command {
  /** As `keyOf` names it. */
  key: string;
  /** Works with Alt only: pressed by mistake it could not be taken back. */
  withAlt?: boolean;
}

/** Whether the press means the command: its key alone where nothing is typed, or with Alt anywhere. */
export function isMeant(command: Command, press: KeyPress, typing: boolean): boolean {
  if (press.isComposing || press.repeat || press.defaultPrevented || press.ctrlKey || press.metaKey) return false;
  if (keyOf(press) !== command.key) return false;
  return press.altKey || (!typing && !command.withAlt);
}
