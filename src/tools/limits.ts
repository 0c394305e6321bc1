/** What a result may hold before it is cut (PRODUCT.md, section 5). */
export const RESULT_LINES = 2000;
/** UTF-8 bytes. */
export const RESULT_BYTES = 50 * 1024;

/** What a tool that cuts for itself leaves free, so that its note about the cut is not cut away. */
export const NOTE_LINES = 2;
export const NOTE_BYTES = 512;

/** Characters of one line that are shown. */
export const LINE_CHARS = 2000;
