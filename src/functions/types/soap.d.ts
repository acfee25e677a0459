/** A client made from a WSDL: each operation is there as `<Name>Async`. */
export interface Client {
  setEndpoint(url: string): void
  setSecurity(security: ISecurity): void
  addHttpHeader(name: string, value: any): void
  getHttpHeaders(): Record<string, string>
  clearHttpHeaders(): void
  addSoapHeader(header: any, name?: string, namespace?: string, xmlns?: string): number
  changeSoapHeader(index: number, header: any, name?: string, namespace?: string, xmlns?: string): void
  getSoapHeaders(): any[]
  clearSoapHeaders(): void
  describe(): any
  lastRequest?: string
  [operation: string]: any
}

export interface ISecurity {
  addOptions?(options: any): void
  toXML?(): string
  addHeaders?(headers: any): void
  postProcess?(xml: any, envelopeKey: any): string
}

export declare function createClientAsync(
  url: string,
  options?: Record<string, any>,
  endpoint?: string,
): Promise<Client>
export declare function createClient(
  url: string,
  callback: (error: any, client: Client) => void,
  endpoint?: string,
): void
export declare function createClient(
  url: string,
  options: Record<string, any>,
  callback: (error: any, client: Client) => void,
  endpoint?: string,
): void

export declare class WSSecurity implements ISecurity {
  constructor(username: string, password: string, options?: string | Record<string, any>)
  toXML(): string
}
export declare class WSSecurityCert implements ISecurity {
  constructor(privatePem: any, publicPem: any, password: any, options?: Record<string, any>)
  postProcess(xml: any, envelopeKey: any): string
}
export declare class BasicAuthSecurity implements ISecurity {
  constructor(username: string, password: string, defaults?: Record<string, any>)
  addHeaders(headers: any): void
}
export declare class BearerSecurity implements ISecurity {
  constructor(token: string, defaults?: Record<string, any>)
  addHeaders(headers: any): void
}

declare const securities: {
  WSSecurity: typeof WSSecurity
  WSSecurityCert: typeof WSSecurityCert
  BasicAuthSecurity: typeof BasicAuthSecurity
  BearerSecurity: typeof BearerSecurity
  [name: string]: any
}
export { securities as security }

export * as default from "./soap.js"
