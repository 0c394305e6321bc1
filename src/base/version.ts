declare const BUILD_VERSION: string | undefined;
declare const BUILD_COMMIT: string | undefined;
declare const BUILD_DATE: string | undefined;

/** Set by build.ts; run from the sources they are unknown. */
export const VERSION = typeof BUILD_VERSION === "string" ? BUILD_VERSION : "0.0.0-source";
export const COMMIT = typeof BUILD_COMMIT === "string" ? BUILD_COMMIT : "unknown";
export const BUILD_DAY = typeof BUILD_DATE === "string" ? BUILD_DATE : "unknown";
