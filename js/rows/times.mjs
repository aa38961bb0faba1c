// Date-times as seven numbers: seconds since 1970, and hour, weekday and day of the year as points on a circle.

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?(?:(Z)|([+-])(\d\d):?(\d\d))?$/;
const DAY = 86_400;
const MICRO = 1_000_000;
const DAYS_EXACT = 104_249; // so many days are a number of microseconds below 2⁵³

/** Return the days from 1970 to a date of the Gregorian calendar. */
function daysTo(year, month, day) {
  const y = month > 2 ? year : year - 1; // the year begins in March, so that the leap day is its last
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

function daysOf(year, month) {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return 30 + ((month + (month >> 3)) & 1); // 31 days: odd months to July, even ones from August on
}

/** Whether a text can state a date-time at all: a quick look before the thorough one. */
export function mayBeTime(text) {
  if (text.length < 10 || text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return false;
  const first = text.charCodeAt(0);
  return first >= 48 && first <= 57;
}

/** Return the seven numbers of a text that states a date-time by ISO 8601, or null. */
export function partsOfText(text, circle) {
  const found = ISO.exec(text);
  if (!found) return null;
  let [, year, month, day, hour, minute, second, fraction, utc, sign, hours, minutes] = found;
  let zone = utc ? 0 : null;
  if (hour === undefined) {
    if (utc) return null;
    // "2020-01-01+0130" reads as Python reads it: any sign may part a date from a time
    if (sign) [hour, minute, sign] = [hours, minutes, undefined];
  }
  if (sign) {
    zone = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
    if (Math.abs(zone) >= 1440) return null;
  }
  const [y, m, d, h, i, s] = [year, month, day, hour, minute, second].map((part) => Number(part ?? 0));
  if (y < 1 || m < 1 || m > 12 || d < 1 || d > daysOf(y, m) || h > 23 || i > 59 || s > 59) return null;
  const micro = Number((fraction ?? "").slice(0, 6).padEnd(6, "0"));
  return parts(y, daysTo(y, m, d), (h * 3600 + i * 60 + s) * MICRO + micro, zone ?? 0, circle);
}

/** Return the seven numbers of a Date, by the clock of UTC; null for none, and for what lies outside the years 1 to 9999. */
export function partsOfDate(date, circle) {
  const year = date.getUTCFullYear();
  if (!(year >= 1 && year <= 9999)) return null;
  const days = Math.floor(date.getTime() / (DAY * 1000));
  return parts(year, days, (date.getTime() - days * DAY * 1000) * 1000, 0, circle);
}

/** Return a Date as Python writes the same moment. */
export function textOfDate(date) {
  const text = date.toISOString().replace("T", " ");
  return `${text.endsWith(".000Z") ? text.slice(0, -5) : `${text.slice(0, -1)}000`}+00:00`;
}

/** The parts of a day and the microseconds since its midnight, by a clock that is so many minutes ahead of UTC. */
function parts(year, days, micros, zone, { sine, cosine }) {
  const hour = micros / MICRO / DAY;
  const weekday = ((((days + 3) % 7) + 7) % 7 + hour) / 7; // 1970 began on a Thursday
  const ofYear = (days - daysTo(year, 1, 1) + hour) / 365.25;
  const elapsed = seconds(days, micros - zone * 60 * MICRO);
  return [elapsed, sine(hour), cosine(hour), sine(weekday), cosine(weekday), sine(ofYear), cosine(ofYear)];
}

/** Return days and microseconds in seconds, rounded once. */
function seconds(days, micros) {
  if (Math.abs(days) < DAYS_EXACT) return (days * DAY * MICRO + micros) / MICRO;
  const all = BigInt(days) * BigInt(DAY * MICRO) + BigInt(micros);
  const size = all < 0n ? -all : all;
  const text = `${size / BigInt(MICRO)}.${String(size % BigInt(MICRO)).padStart(6, "0")}`;
  return (all < 0n ? -1 : 1) * Number(text);
}
