package example.ferrypay.vault;

import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.ModelAttribute;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.ResponseBody;

/** Turns card numbers into tokens. Only the key custodians' tool in its own namespace calls it. */
@Controller
public class VaultController {
    /** What the form binds to. */
    public static class Tokenisation {
        private String reference;

        public String getReference() {
            return reference;
        }

        public void setReference(String reference) {
            this.reference = reference;
        }
    }

    @PostMapping("/internal/v1/tokens")
    @ResponseBody
    public String tokenise(@ModelAttribute Tokenisation form) {
        return "token-for-" + form.getReference();
    }
}
