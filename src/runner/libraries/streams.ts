export * from "stream"
