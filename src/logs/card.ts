const [fewest, most] = [13, 19];
const digits = new Uint8Array(most);

/**
 * How many characters at the beginning of `text`, which has digits with single spaces or dashes between, are the number of a card: 13
 * to 19 digits that end with a group, of an issuer of cards, with the right check digit (ISO/IEC 7812-1). 0: none.
 */
export function cardIn(text: string): number {
  let count = 0;
  let length = 0;
  for (let at = 0; at < text.length && count < most; at++) {
    if (!isDigit(text.charCodeAt(at))) continue;
    digits[count++] = text.charCodeAt(at) - 48;
    if (count === 6 && !isIssued()) return 0;
    if (count >= fewest && !isDigit(text.charCodeAt(at + 1)) && isChecked(count)) length = at + 1;
  }
  return length;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** 3 to 6 are cards of payment and travel; of 2 those that Mastercard has. */
function isIssued(): boolean {
  const six = digits.subarray(0, 6).reduce((number, digit) => number * 10 + digit, 0);
  return (six >= 222_100 && six <= 272_099) || (six >= 300_000 && six <= 699_999);
}

/** By Luhn. */
function isChecked(count: number): boolean {
  let sum = 0;
  for (let at = count - 1, twice = false; at >= 0; at--, twice = !twice) {
    const value = digits[at]! * (twice ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}
