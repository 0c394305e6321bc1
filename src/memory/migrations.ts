import down1 from "../../embed/sql/001_initial.down.sql" with { type: "text" };
import up1 from "../../embed/sql/001_initial.up.sql" with { type: "text" };
import down2 from "../../embed/sql/002_embeddings.down.sql" with { type: "text" };
import up2 from "../../embed/sql/002_embeddings.up.sql" with { type: "text" };
import down3 from "../../embed/sql/003_ledger.down.sql" with { type: "text" };
import up3 from "../../embed/sql/003_ledger.up.sql" with { type: "text" };
import down4 from "../../embed/sql/004_search.down.sql" with { type: "text" };
import up4 from "../../embed/sql/004_search.up.sql" with { type: "text" };
import down5 from "../../embed/sql/005_uses.down.sql" with { type: "text" };
import up5 from "../../embed/sql/005_uses.up.sql" with { type: "text" };

/** One step from a schema to the next. */
export interface Migration {
  /** The schema that it leads to. */
  version: number;
  /** As `_migrations` holds it. */
  name: string;
  up: string;
  down: string;
}

/** Every migration, oldest first. The names of the first two are those of the program that OpenKoi follows. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: "initial_schema", up: up1, down: down1 },
  { version: 2, name: "vector_search", up: up2, down: down2 },
  { version: 3, name: "ledger", up: up3, down: down3 },
  { version: 4, name: "search", up: up4, down: down4 },
  { version: 5, name: "uses", up: up5, down: down5 },
];

/** The last schema that the two programs share; from the next one on the numbers mean different things. */
export const LAST_SHARED = 2;
