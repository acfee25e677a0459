export type Call = { path: string; headers: Headers; body: string }

const wsdl = (url: string) => `<?xml version="1.0" encoding="UTF-8"?>
<definitions name="Staff" targetNamespace="urn:staff" xmlns="http://schemas.xmlsoap.org/wsdl/"
  xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:tns="urn:staff" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <types><xsd:schema targetNamespace="urn:staff" elementFormDefault="qualified">
    <xsd:include schemaLocation="${url}/worker.xsd"/>
    <xsd:element name="GetWorkers"><xsd:complexType><xsd:sequence>
      <xsd:element name="Page" type="xsd:int"/><xsd:element name="Name" type="xsd:string" minOccurs="0"/>
    </xsd:sequence></xsd:complexType></xsd:element>
    <xsd:element name="GetWorkersResponse"><xsd:complexType><xsd:sequence>
      <xsd:element name="Total" type="xsd:int"/><xsd:element name="Worker" type="tns:Worker" maxOccurs="unbounded"/>
    </xsd:sequence></xsd:complexType></xsd:element>
  </xsd:schema></types>
  <message name="GetWorkersIn"><part name="body" element="tns:GetWorkers"/></message>
  <message name="GetWorkersOut"><part name="body" element="tns:GetWorkersResponse"/></message>
  <portType name="StaffPort"><operation name="GetWorkers">
    <input message="tns:GetWorkersIn"/><output message="tns:GetWorkersOut"/></operation></portType>
  <binding name="StaffBinding" type="tns:StaffPort">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="GetWorkers"><soap:operation soapAction="urn:staff/GetWorkers"/>
      <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>
  </binding>
  <service name="Staff"><port name="StaffPort" binding="tns:StaffBinding"><soap:address location="${url}/moved-away"/></port></service>
</definitions>`

const schema = `<?xml version="1.0"?><xsd:schema targetNamespace="urn:staff" xmlns:xsd="http://www.w3.org/2001/XMLSchema"
  elementFormDefault="qualified"><xsd:complexType name="Worker"><xsd:sequence>
  <xsd:element name="Id" type="xsd:string"/><xsd:element name="Active" type="xsd:boolean"/><xsd:element name="Since" type="xsd:date"/>
  </xsd:sequence></xsd:complexType></xsd:schema>`

const envelope = (
  body: string,
) => `<?xml version="1.0"?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"
  xmlns:t="urn:staff"><env:Body>${body}</env:Body></env:Envelope>`
const workers = `<t:GetWorkersResponse><t:Total>2</t:Total>
  <t:Worker><t:Id>w1</t:Id><t:Active>true</t:Active><t:Since>2024-05-01</t:Since></t:Worker>
  <t:Worker><t:Id>w&amp;2</t:Id><t:Active>false</t:Active><t:Since>2020-01-01</t:Since></t:Worker></t:GetWorkersResponse>`
const fault = `<env:Fault><faultcode>env:Client</faultcode><faultstring>Page too large</faultstring></env:Fault>`

/** A SOAP service with a WSDL that includes a second file; page 99 is answered with a fault, `/slow` never. */
export function startSoapService() {
  const calls: Call[] = []
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request, server) {
      const { pathname: path, origin, searchParams } = new URL(request.url)
      const body = await request.text()
      calls.push({ path, headers: request.headers, body })
      const xml = (text: string, status = 200) =>
        new Response(text, { status, headers: { "content-type": "text/xml" } })
      if (path === "/staff" && searchParams.has("wsdl")) return xml(wsdl(origin))
      if (path === "/worker.xsd") return xml(schema)
      if (path === "/slow") {
        server.timeout(request, 0)
        return new Promise(() => {})
      }
      if (path !== "/v2/staff") return new Response("gone", { status: 410 })
      return body.includes(">99<") ? xml(envelope(fault), 500) : xml(envelope(workers))
    },
  })
  const url = `http://127.0.0.1:${server.port}`
  return { url, calls, wsdl: `${url}/staff?wsdl`, stop: () => server.stop(true) }
}
