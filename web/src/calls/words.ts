// What several areas say of calls, in the same words.
import { addWords } from "@/i18n";
import en from "./locales/en";
import zh from "./locales/zh";

addWords("calls", en, zh);
