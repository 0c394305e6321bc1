import type { Column, PortableRow } from "../../memory/portable.ts";
import { timeOf } from "../../memory/times.ts";
import { brokenAt, type Cell, type InTable } from "./document.ts";

/**
 * The rows of a table as the database takes them. `texts`: every cell is a text (CSV), and its column says what it is
 * meant to be. @throws UserError with the place of what does not fit
 */
export function fitRows(
  { rows, placeOf }: InTable,
  columns: readonly Column[],
  file: string,
  texts: boolean,
): PortableRow[] {
  const known = new Map(columns.map((column) => [column.name, column]));
  return rows.map((row, at) => {
    const fault = (message: string) => brokenAt(file, placeOf(at), message);
    const fitted: PortableRow = {};
    for (const [name, cell] of Object.entries(row)) {
      const column = known.get(name);
      if (!column) throw fault(`${JSON.stringify(name)} is no column of this table`);
      fitted[name] = fitCell(cell, column, texts, fault);
    }
    for (const { name, required } of columns) {
      // What is missing gets what the schema says, but a row is nothing without its key.
      if (required && fitted[name] === null) throw fault(`${name}: missing`);
    }
    if (columns[0] && fitted[columns[0].name] === undefined) throw fault(`${columns[0].name}: missing`);
    return fitted;
  });
}

function fitCell(
  cell: Cell,
  { name, type, required }: Column,
  texts: boolean,
  fault: (message: string) => Error,
): Cell {
  if (cell === null) return texts && required && type === "text" ? "" : null;
  if (type === "text") {
    if (typeof cell === "string") return cell;
    throw fault(`${name}: expected a text, got ${cell}`);
  }
  if (type === "time") {
    if (typeof cell === "string" && timeOf(cell) !== undefined) return cell;
    throw fault(`${name}: expected a time, got ${JSON.stringify(cell).slice(0, 40)}`);
  }
  const value = texts && typeof cell === "string" && cell.trim() !== "" ? Number(cell) : cell;
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw fault(`${name}: expected a number, got ${JSON.stringify(cell).slice(0, 40)}`);
  }
  if (type === "integer" && !Number.isInteger(value)) throw fault(`${name}: expected a whole number, got ${value}`);
  return value;
}
