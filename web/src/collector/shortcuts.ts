// The page's shortcuts: one listener; a component's commands are there while the component is.
import { inject, type InjectionKey, onMounted, onScopeDispose, provide, shallowReactive } from "vue";
import { type Command, isMeant, isTyping } from "./keys";

export interface Shortcut extends Command {
  /** What it does, in the user's language, for the overview. */
  words: () => string;
  run: () => void;
  /** Whether it can be used now; those that cannot are not listed. */
  enabled: () => boolean;
}

export type Shortcuts = Set<Shortcut>;

const KEY: InjectionKey<Shortcuts> = Symbol("shortcuts");
/** Whoever was typing when a call moved the focus away goes on for a moment: that commands nothing. */
const STILL_TYPING_MS = 700;

/** Listens to the keyboard while the calling component lives. A dialog over the page has the keyboard for itself. */
export function provideShortcuts(): Shortcuts {
  const known: Shortcuts = shallowReactive(new Set<Shortcut>());
  provide(KEY, known);
  let typedAt = -STILL_TYPING_MS;

  function listen(event: KeyboardEvent): void {
    if (document.querySelector(".el-overlay:not([style*='display: none'])")) return;
    if (isTyping(event.target)) typedAt = event.timeStamp;
    const typing = event.timeStamp - typedAt < STILL_TYPING_MS;
    for (const shortcut of known) {
      if (!isMeant(shortcut, event, typing) || !shortcut.enabled()) continue;
      event.preventDefault();
      shortcut.run();
      return;
    }
  }

  onMounted(() => document.addEventListener("keydown", listen));
  onScopeDispose(() => document.removeEventListener("keydown", listen));
  return known;
}

/** Adds a shortcut while the calling component lives; of two with one key the older one wins. */
export function useShortcut(key: string, words: () => string, run: () => void, more: Partial<Shortcut> = {}): void {
  const known = inject(KEY);
  if (known === undefined) throw new Error("no shortcuts on this page");
  const shortcut: Shortcut = { key, words, run, enabled: () => true, ...more };
  known.add(shortcut);
  onScopeDispose(() => known.delete(shortcut));
}
