/** The API's calendar is UTC: months are `2026-05`, days `2026-05-31`, instants milliseconds since 1970. */

/** The month an instant lies in. */
export function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7);
}

/** The day an instant lies in. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** The month after. */
export function nextMonth(month: string): string {
  const [year, number] = month.split('-').map(Number);
  return monthOf(Date.UTC(year, number));
}

/** The instant at which the month after this one begins: the 1st at 00:00. */
export function startOfNextMonth(at: number): number {
  return Date.parse(`${nextMonth(monthOf(at))}-01T00:00:00Z`);
}

/** The instant at which the next day begins. */
export function startOfNextDay(at: number): number {
  return Date.parse(`${dayOf(at)}T00:00:00Z`) + 24 * 3600_000;
}
