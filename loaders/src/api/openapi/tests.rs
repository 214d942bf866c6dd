use expect_test::expect;

use crate::load::Options;
use crate::testing::{check, check_error, check_with};

#[test]
fn a_description() {
    check(
        "orders.yaml",
        r##"
openapi: 3.0.3
info: {title: Orders API, version: 1.0}
servers: [{url: "https://shop.example/api"}]
security: [{bearer: []}]
paths:
  /orders/{id}:
    parameters: [{$ref: "#/components/parameters/Id"}]
    get:
      operationId: order
      tags: [orders]
      x-openapi-router-controller: orders_api.detail
      responses:
        200: {content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
        404: {content: {application/json: {schema: {properties: {password: {}}}}}}
    delete:
      security: [{bearer: []}, {}]
      deprecated: true
      responses: {}
  /login:
    post:
      security: []
      requestBody: {content: {application/json: {schema: {properties: {email: {}, password: {}}}}}}
      responses: {}
  /pay:
    post:
      requestBody: {content: {application/json: {schema: {properties: {cardNumber: {}}}}}}
      x-amazon-apigateway-integration:
        uri: arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111122223333:function:pay/invocations
      responses: {}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
  parameters: {Id: {name: id, in: path}}
  schemas:
    Order: {properties: {customer: {$ref: "#/components/schemas/Customer"}, parent: {$ref: "#/components/schemas/Order"}}}
    Customer: {allOf: [{properties: {lastName: {}}}, {$ref: "#/components/schemas/Order"}]}
"##,
        &expect![[r#"
            api://orders-api :Api base_paths=["/api"] hosts=["shop.example"] name="Orders API" security_declared=true version="1.0"
            api://orders-api/POST /login :Route authenticated=false data_class=["credential", "pii"] deprecated=false full_path="/api/login" method="POST" name="POST /login" path="/login" sensitive=false takes_object_id=false
            api://orders-api/GET /orders/{id} :Route auth_schemes=["bearer"] authenticated=true data_class=["pii"] deprecated=false full_path="/api/orders/{id}" handler="orders_api.detail" method="GET" name="GET /orders/{id}" operation_id="order" path="/orders/{id}" sensitive=true takes_object_id=true
            api://orders-api/DELETE /orders/{id} :Route auth_schemes=["bearer"] authenticated=false deprecated=true full_path="/api/orders/{id}" method="DELETE" name="DELETE /orders/{id}" path="/orders/{id}" sensitive=false takes_object_id=true
            api://orders-api/POST /pay :Route auth_schemes=["bearer"] authenticated=true data_class=["card"] deprecated=false full_path="/api/pay" method="POST" name="POST /pay" path="/pay" sensitive=true takes_object_id=false
            arn:aws:lambda:eu-west-1:111122223333:function:pay :Function
            api://orders-api -HAS_ROUTE-> api://orders-api/POST /login
            api://orders-api -HAS_ROUTE-> api://orders-api/GET /orders/{id}
            api://orders-api -HAS_ROUTE-> api://orders-api/DELETE /orders/{id}
            api://orders-api -HAS_ROUTE-> api://orders-api/POST /pay
            api://orders-api/POST /pay -SERVED_BY-> arn:aws:lambda:eu-west-1:111122223333:function:pay
            external_path_refs=0 methods.delete=1 methods.get=1 methods.post=2 operations=4 operations_with_tags=1 operations_without_security=2 path_parameters=1 paths=3 schemas=2 security_schemes=1 servers=1 webhooks=0
        "#]],
    );
}

#[test]
fn swagger_and_its_silence_about_credentials() {
    check(
        "docs/billing/swagger.json",
        r##"{"swagger": "2.0", "info": {"title": "API"}, "host": "billing.example", "basePath": "/v1", "paths": {"/a": {"get": {"responses": {"200": {"schema": {"$ref": "#/definitions/A"}}}}}}, "definitions": {"A": {"type": "object", "properties": {"iban": {}}}}}"##,
        &expect![[r#"
            api://billing :Api base_paths=["/v1"] hosts=["billing.example"] name="API" security_declared=false
            api://billing/GET /a :Route authenticated=false data_class=["pii"] deprecated=false full_path="/v1/a" method="GET" name="GET /a" path="/a" sensitive=true takes_object_id=false
            api://billing -HAS_ROUTE-> api://billing/GET /a
            external_path_refs=0 methods.get=1 operations=1 operations_with_tags=0 operations_without_security=1 path_parameters=0 paths=1 schemas=1 security_schemes=0 servers=0 webhooks=0
        "#]],
    );
}

#[test]
fn the_surroundings_name_the_service() {
    let mut options = Options::new(0);
    options.context.service = Some("orders".into());
    check_with(
        &options,
        "x.json",
        r#"{"openapi": "3.1.0", "info": {"title": "Some API"}, "paths": {}, "webhooks": {"w": {}}}"#,
        &expect![[r#"
            api://orders :Api name="Some API" security_declared=false
            schemas=0 security_schemes=0 servers=0 webhooks=1
        "#]],
    );
}

#[test]
fn references_that_lead_nowhere() {
    check(
        "x.json",
        r##"{"openapi": "3.0.0", "info": {"title": "Loops"}, "paths": {
            "/out": {"get": {"$ref": "other.yaml#/get"}},
            "/away": {"$ref": "other.yaml#/item"},
            "/circle": {"$ref": "#/components/pathItems/a"},
            "/gone": {"post": {"requestBody": {"$ref": "#/components/nothing"}}},
            "/escaped": {"get": {"responses": {"200": {"$ref": "#/components/responses/a~1b%20c"}}}}},
          "components": {"pathItems": {"a": {"$ref": "#/components/pathItems/b"}, "b": {"$ref": "#/components/pathItems/a"}},
            "responses": {"a/b c": {"content": {"x": {"schema": {"items": {"properties": {"ssn": {}}}}}}}}}}"##,
        &expect![[r#"
            api://loops :Api name="Loops" security_declared=false
            api://loops/GET /escaped :Route authenticated=false data_class=["pii"] deprecated=false full_path="/escaped" method="GET" name="GET /escaped" path="/escaped" sensitive=true takes_object_id=false
            api://loops/POST /gone :Route authenticated=false deprecated=false full_path="/gone" method="POST" name="POST /gone" path="/gone" sensitive=false takes_object_id=false
            api://loops/GET /out :Route deprecated=false full_path="/out" method="GET" name="GET /out" path="/out" sensitive=false takes_object_id=false
            api://loops -HAS_ROUTE-> api://loops/GET /escaped
            api://loops -HAS_ROUTE-> api://loops/POST /gone
            api://loops -HAS_ROUTE-> api://loops/GET /out
            external_path_refs=2 external_refs=1 methods.get=2 methods.post=1 operations=3 operations_with_tags=0 operations_without_security=3 path_parameters=0 paths=5 schemas=0 security_schemes=0 servers=0 webhooks=0
            warning references to nothing x1: 2 of them
            warning references to other documents are not followed x1: 1 of them
        "#]],
    );
}

#[test]
fn webs_of_schemas_are_walked_once_each() {
    let schema = |number: usize| {
        let mut fields: Vec<String> = (0..60)
            .map(|field| format!(r##""f{field}": {{"$ref": "#/components/schemas/s{field}"}}"##))
            .collect();
        if number == 59 {
            fields.push(r#""email": {}"#.to_owned());
        }
        format!(r#""s{number}": {{"properties": {{{}}}}}"#, fields.join(","))
    };
    let schemas = (0..60).map(schema).collect::<Vec<_>>().join(",");
    let text = format!(
        r##"{{"openapi": "3.0.0", "info": {{"title": "Web"}}, "paths": {{"/a": {{"get": {{"responses": {{"200": {{"content": {{"x": {{"schema": {{"$ref": "#/components/schemas/s0"}}}}}}}}}}}}}}}}, "components": {{"schemas": {{{schemas}}}}}}}"##
    );
    check(
        "web.json",
        &text,
        &expect![[r#"
            api://web :Api name="Web" security_declared=false
            api://web/GET /a :Route authenticated=false data_class=["pii"] deprecated=false full_path="/a" method="GET" name="GET /a" path="/a" sensitive=true takes_object_id=false
            api://web -HAS_ROUTE-> api://web/GET /a
            external_path_refs=0 methods.get=1 operations=1 operations_with_tags=0 operations_without_security=1 path_parameters=0 paths=1 schemas=60 security_schemes=0 servers=0 webhooks=0
        "#]],
    );
}

#[test]
fn broken_descriptions_are_named() {
    check_error(
        "x.json",
        r#"{"openapi": "3.0.0", "paths": []}"#,
        &expect!["at `/paths`: an object is expected"],
    );
    check_error(
        "x.json",
        r#"{"openapi": "3.0.0", "paths": {"/a/b": 3}}"#,
        &expect!["at `/paths/~1a~1b`: an object is expected"],
    );
    check_error(
        "x.json",
        r#"{"openapi": "3.0.0", "paths": {"/a": {"get": "x"}}}"#,
        &expect!["at `/paths/~1a/get`: an object is expected"],
    );
    check_error(
        "x.yaml",
        "openapi: 3.0.0\npaths:\n  /a: {}\n  /a: {}\n",
        &expect![
            "line 4 column 3: duplicate mapping key: /a, set DuplicateKeyPolicy in Options if acceptable"
        ],
    );
    check_error(
        "x.json",
        "{\"openapi\": \"3.0.0\", \"paths\": {\"/a\\nb\": {\"get\": {}}}}",
        &expect!["whole document: id holds control characters"],
    );
    check(
        "x.json",
        r#"{"swagger": "1.2", "apis": []}"#,
        &expect![[r#"
            skipped: nearest format is openapi: version `1.2` is not read
        "#]],
    );
}
