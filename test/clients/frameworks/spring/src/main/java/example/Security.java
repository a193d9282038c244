package example;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.jwt.JwtAudienceValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtIssuerValidator;
import org.springframework.security.oauth2.jwt.JwtTypeValidator;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;

@Configuration
class Security {

  /** The API. */
  @Bean
  @Order(1)
  SecurityFilterChain api(HttpSecurity http, @Value("${ISSUER}") String issuer) throws Exception {
    return http.securityMatcher("/api/**")
        .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
        .oauth2ResourceServer(server -> server
            .jwt(jwt -> jwt.decoder(accessTokens(issuer)))
            // Tokens that are bound to a key (RFC 9449) are taken with a proof of it.
            .dPoP(Customizer.withDefaults()))
        .build();
  }

  /**
   * Reads access tokens as RFC 9068 has them. The decoder that Spring makes by itself takes no other
   * type than JWT.
   */
  private static JwtDecoder accessTokens(String issuer) {
    NimbusJwtDecoder decoder =
        NimbusJwtDecoder.withJwkSetUri(issuer + "/.well-known/jwks.json")
            .discoverJwsAlgorithms()
            .validateType(false)
            .build();
    decoder.setJwtValidator(
        JwtValidators.createDefaultWithValidators(
            new JwtTypeValidator("at+jwt"), new JwtIssuerValidator(issuer), new JwtAudienceValidator(issuer)));
    return decoder;
  }

  /** The web application. */
  @Bean
  @Order(2)
  SecurityFilterChain web(HttpSecurity http, ClientRegistrationRepository clients) throws Exception {
    OidcClientInitiatedLogoutSuccessHandler signOut = new OidcClientInitiatedLogoutSuccessHandler(clients);
    signOut.setPostLogoutRedirectUri("{baseUrl}/");
    return http.authorizeHttpRequests(
            requests -> requests.requestMatchers("/").permitAll().anyRequest().authenticated())
        .oauth2Login(Customizer.withDefaults())
        .logout(logout -> logout
            // A link signs out; by default only a form with a CSRF token does.
            .logoutRequestMatcher(PathPatternRequestMatcher.withDefaults().matcher("/logout"))
            .logoutSuccessHandler(signOut))
        .build();
  }
}
