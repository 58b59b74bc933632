// Passwords to hand over once, easy to read out: letters and digits that are not taken for each other.
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS = 4;
const GROUP = 4;

/** A new one, with 80 bits of chance. */
export function newPassword(): string {
  const chance = crypto.getRandomValues(new Uint8Array(GROUPS * GROUP));
  const letters = Array.from(chance, (byte) => LETTERS[byte % LETTERS.length]).join("");
  return letters.match(new RegExp(`.{${GROUP}}`, "g"))?.join("-") ?? letters;
}
