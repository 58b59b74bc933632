// The phone's words: it is shown in every area, so they belong to none.
import { addWords } from "@/i18n";
import en from "./locales/en";
import zh from "./locales/zh";

addWords("phone", en, zh);
