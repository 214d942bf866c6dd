package example.ferrypay.loyalty;

import io.javalin.Javalin;
import io.javalin.http.Context;
import java.util.Map;
import org.apache.commons.text.WordUtils;

/** Points of members. Uses commons-text for capitals only; StringSubstitutor is never loaded. */
public final class LoyaltyApi {
    public static void main(String[] args) {
        Javalin.create().start(8080).get("/api/loyalty/v1/members/{memberId}", LoyaltyApi::getMember);
    }

    static void getMember(Context ctx) {
        String tier = WordUtils.capitalizeFully(ctx.queryParam("tier"));
        ctx.json(Map.of("id", ctx.pathParam("memberId"), "tier", tier));
    }
}
