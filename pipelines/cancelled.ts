/** Thrown by an observer to stop a pipeline between two graph runs. A result of the job, not an error. */
export class Cancelled extends Error {
  constructor() {
    super('cancelled');
    this.name = 'Cancelled';
  }
}
