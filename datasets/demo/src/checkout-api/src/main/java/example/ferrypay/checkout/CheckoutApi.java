package example.ferrypay.checkout;

import io.javalin.Javalin;
import io.javalin.http.Context;
import java.util.Map;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.GetItemRequest;

/** Takes a basket and a stored card, and asks the acquirer for the money. */
public final class CheckoutApi {
    private static final Logger LOG = LogManager.getLogger(CheckoutApi.class);
    private static final String CARD_TOKENS = System.getenv("CARD_TOKENS_TABLE");

    private final DynamoDbClient dynamo = DynamoDbClient.create();

    public static void main(String[] args) {
        CheckoutApi api = new CheckoutApi();
        Javalin app = Javalin.create().start(8080);
        app.post("/api/checkout/v1/payments", api::createPayment);
        app.get("/api/checkout/v1/payments/{paymentId}", api::getPayment);
    }

    void createPayment(Context ctx) {
        // What the client calls itself ends up in the log, and so in the lookups of log4j 2.14.
        LOG.info("payment from {}", ctx.userAgent());
        String token = ctx.formParam("card_token");
        Map<String, AttributeValue> key =
                Map.of("token", AttributeValue.builder().s(token).build());
        GetItemRequest request = GetItemRequest.builder().tableName(CARD_TOKENS).key(key).build();
        boolean known = dynamo.getItem(request).hasItem();
        ctx.status(known ? 202 : 422);
    }

    void getPayment(Context ctx) {
        LOG.info("status of payment {}", ctx.pathParam("paymentId"));
        ctx.json(Map.of("id", ctx.pathParam("paymentId"), "status", "captured"));
    }
}
