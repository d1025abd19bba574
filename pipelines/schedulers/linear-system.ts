/** Solution of a small square system by elimination with the largest pivot of each column. */
export function solveLinear(rows: readonly (readonly number[])[], right: readonly number[]): number[] {
  const size = right.length;
  const work = rows.map((row, i) => [...row, right[i]]);
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let i = column + 1; i < size; i++)
      if (Math.abs(work[i][column]) > Math.abs(work[pivot][column])) pivot = i;
    [work[column], work[pivot]] = [work[pivot], work[column]];
    for (let i = column + 1; i < size; i++) {
      const factor = work[i][column] / work[column][column];
      for (let j = column; j <= size; j++) work[i][j] -= factor * work[column][j];
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    let sum = work[i][size];
    for (let j = i + 1; j < size; j++) sum -= work[i][j] * solution[j];
    solution[i] = sum / work[i][i];
  }
  return solution;
}
