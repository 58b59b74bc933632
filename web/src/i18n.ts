// Chinese and English; each area brings its words, and Element Plus its own.
import { computed, ref, watch } from "vue";
import { createI18n } from "vue-i18n";
import shellEn from "./shell/locales/en";
import shellZh from "./shell/locales/zh";

export type Language = "zh" | "en";
const KEPT = "language";

function initial(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "zh" || kept === "en") return kept;
  return navigator.language.startsWith("zh") ? "zh" : "en";
}

export const language = ref<Language>(initial());

export const i18n = createI18n({
  legacy: false,
  locale: language.value,
  fallbackLocale: "en",
  messages: { en: { ...shellEn }, zh: { ...shellZh } },
});

watch(
  language,
  (chosen) => {
    localStorage.setItem(KEPT, chosen);
    i18n.global.locale.value = chosen;
    document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  },
  { immediate: true },
);

/** What Intl formats with. */
export const localeTag = computed(() => (language.value === "zh" ? "zh-CN" : "en-GB"));

/** Adds an area's words when its code is loaded. */
export function addWords(area: string, en: object, zh: object): void {
  i18n.global.mergeLocaleMessage("en", { [area]: en });
  i18n.global.mergeLocaleMessage("zh", { [area]: zh });
}
