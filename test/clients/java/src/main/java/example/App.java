package example;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.AuthorizationResponse;
import com.nimbusds.oauth2.sdk.ErrorObject;
import com.nimbusds.oauth2.sdk.PushedAuthorizationRequest;
import com.nimbusds.oauth2.sdk.PushedAuthorizationResponse;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.ResponseMode;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenIntrospectionRequest;
import com.nimbusds.oauth2.sdk.TokenIntrospectionResponse;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.TokenRevocationRequest;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.auth.SelfSignedTLSClientAuthentication;
import com.nimbusds.oauth2.sdk.dpop.DPoPProofFactory;
import com.nimbusds.oauth2.sdk.dpop.DefaultDPoPProofFactory;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.jarm.JARMValidator;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.oauth2.sdk.token.AccessToken;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.LogoutRequest;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.UserInfoRequest;
import com.nimbusds.openid.connect.sdk.UserInfoResponse;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.op.ReadOnlyOIDCProviderEndpointMetadata;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/**
 * An application built on the Nimbus SDK: it signs a user in with authorization code and PKCE, uses the
 * tokens, and signs the user out.
 *
 * <p>It prints JSON objects, one per line. The member go_to is the URL of a redirect; the application then
 * reads the URL of the callback from its standard input.
 */
public final class App {
  private final Map<String, String> env = System.getenv();
  private final BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

  private final ClientID id = new ClientID(env.get("CLIENT_ID"));
  private final URI redirectUri = URI.create(env.get("REDIRECT_URI"));
  private final OIDCProviderMetadata server;
  private final JWKSource<SecurityContext> keys;
  private final ECKey key; // of the client, for its assertions and request objects
  private final DPoPProofFactory proofs; // null without DPoP
  private final SSLSocketFactory certificate; // of TLS connections, null without one
  private Nonce serverNonce; // of the last response

  private App() throws Exception {
    server = OIDCProviderMetadata.resolve(new Issuer(env.get("ISSUER")));
    keys = JWKSourceBuilder.create(server.getJWKSetURI().toURL()).build();
    key = env.containsKey("CLIENT_KEY") ? ECKey.parse(env.get("CLIENT_KEY")) : null;
    certificate = env.containsKey("TLS_CERT") ? withCertificate() : null;
    proofs =
        env.containsKey("DPOP") ? new DefaultDPoPProofFactory(new ECKeyGenerator(Curve.P_256).generate(), JWSAlgorithm.ES256) : null;
  }

  public static void main(String[] args) throws Exception {
    new App().run();
  }

  private void run() throws Exception {
    // Sign in. A web application stores these three values in the user's session.
    var verifier = new CodeVerifier();
    var state = new State();
    var nonce = new Nonce();
    var callback = send(authorizationUri(verifier, state, nonce));

    var answer = AuthorizationResponse.parse(callback);
    if (env.containsKey("JARM")) {
      var validator = new JARMValidator(server.getIssuer(), id, JWSAlgorithm.PS256, server.getJWKSetURI().toURL());
      answer = AuthorizationResponse.parse(callback, validator);
    }
    if (!answer.indicatesSuccess()) {
      throw new IllegalStateException(answer.toErrorResponse().getErrorObject().toString());
    }
    if (!state.equals(answer.getState())) {
      throw new IllegalStateException("state of another session");
    }
    if (!server.getIssuer().equals(answer.getIssuer()) && !env.containsKey("JARM")) {
      throw new IllegalStateException("iss of another server");
    }
    var tokens = token(new AuthorizationCodeGrant(answer.toSuccessResponse().getAuthorizationCode(), redirectUri, verifier));
    var user = idToken(tokens, nonce);
    print("id_token", user.toJSONObject(), "id_token_alg", tokens.getOIDCTokens().getIDToken().getHeader().getAlgorithm().getName());

    // Claims of the user.
    var access = tokens.getOIDCTokens().getAccessToken();
    var userinfo = UserInfoResponse.parse(bound(new UserInfoRequest(endpoints().getUserInfoEndpointURI(), access).toHTTPRequest(), access));
    print("userinfo", userinfo.toSuccessResponse().getUserInfo().toJSONObject());

    // A resource server verifies the access token (RFC 9068).
    print("access_token", verify(access));

    // Refresh.
    var refresh = tokens.getOIDCTokens().getRefreshToken();
    var fresh = token(new RefreshTokenGrant(refresh));
    print("refreshed_id_token", idToken(fresh, null).toJSONObject());

    // Introspection (RFC 7662).
    print("introspection", introspect(fresh.getOIDCTokens().getAccessToken()));

    // Revoke the grant by its refresh token; the access token is revoked with it.
    var last = fresh.getOIDCTokens().getRefreshToken();
    bound(new TokenRevocationRequest(endpoints().getRevocationEndpointURI(), authentication(), last).toHTTPRequest(), null).ensureStatusCode(200);
    print("introspection_after_revocation", introspect(fresh.getOIDCTokens().getAccessToken()));
    var refusal = tokenResponse(new RefreshTokenGrant(last));
    print("refresh_after_revocation", refusal.indicatesSuccess() ? null : refusal.toErrorResponse().getErrorObject().getCode());

    // Sign out at the server.
    var logoutState = new State();
    var after = send(new LogoutRequest(server.getEndSessionEndpointURI(), fresh.getOIDCTokens().getIDToken(),
        URI.create(env.get("POST_LOGOUT_REDIRECT_URI")), logoutState).toURI());
    print("signed_out", after.getQuery().equals("state=" + logoutState));
  }

  /** Returns the URL of the authorization request, which is signed and pushed if the application does so. */
  private URI authorizationUri(CodeVerifier verifier, State state, Nonce nonce) throws Exception {
    var scope = Scope.parse("openid profile email offline_access");
    var request = new AuthenticationRequest.Builder(new ResponseType("code"), scope, id, redirectUri)
        .endpointURI(server.getAuthorizationEndpointURI()).state(state).nonce(nonce).codeChallenge(verifier, CodeChallengeMethod.S256);
    if (env.containsKey("JARM")) {
      request.responseMode(ResponseMode.JWT);
    }
    if (env.containsKey("JAR")) {
      var now = new Date();
      var object = new SignedJWT(
          new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(key.getKeyID()).type(new JOSEObjectType("oauth-authz-req+jwt")).build(),
          new JWTClaimsSet.Builder(request.build().toJWTClaimsSet()).issuer(id.getValue()).audience(server.getIssuer().getValue())
              .issueTime(now).notBeforeTime(now).expirationTime(Date.from(now.toInstant().plusSeconds(60))).build());
      object.sign(new ECDSASigner(key));
      request = new AuthenticationRequest.Builder(object, id).endpointURI(server.getAuthorizationEndpointURI());
    }
    if (!env.containsKey("PAR")) {
      return request.build().toURI();
    }
    var built = request.build();
    var response = PushedAuthorizationResponse.parse(retried(() ->
        bound(new PushedAuthorizationRequest(endpoints().getPushedAuthorizationRequestEndpointURI(), authentication(), built).toHTTPRequest(), null)));
    if (!response.indicatesSuccess()) {
      throw new IllegalStateException(response.toErrorResponse().getErrorObject().toString());
    }
    return new AuthenticationRequest.Builder(response.toSuccessResponse().getRequestURI(), id)
        .endpointURI(server.getAuthorizationEndpointURI()).build().toURI();
  }

  /** Sends a token request and returns its successful response. */
  private OIDCTokenResponse token(AuthorizationGrant grant) throws Exception {
    var response = tokenResponse(grant);
    if (!response.indicatesSuccess()) {
      throw new IllegalStateException(response.toErrorResponse().getErrorObject().toString());
    }
    return (OIDCTokenResponse) response.toSuccessResponse();
  }

  private TokenResponse tokenResponse(AuthorizationGrant grant) throws Exception {
    return OIDCTokenResponseParser.parse(retried(
        () -> bound(new TokenRequest.Builder(endpoints().getTokenEndpointURI(), authentication(), grant).build().toHTTPRequest(), null)));
  }

  /** Returns new credentials of the client: an assertion is used once. */
  private ClientAuthentication authentication() throws Exception {
    return switch (env.get("CLIENT_AUTH")) {
      case "client_secret_basic" -> new ClientSecretBasic(id, new Secret(env.get("CLIENT_SECRET")));
      case "self_signed_tls_client_auth" -> new SelfSignedTLSClientAuthentication(id, certificate);
      case "client_secret_post" -> new ClientSecretPost(id, new Secret(env.get("CLIENT_SECRET")));
      default -> new PrivateKeyJWT(id, URI.create(server.getIssuer().getValue()), JWSAlgorithm.ES256, key.toECPrivateKey(), key.getKeyID(), null);
    };
  }

  /** Returns TLS connections with the certificate of the client (RFC 8705). */
  private SSLSocketFactory withCertificate() throws Exception {
    var x509 = CertificateFactory.getInstance("X.509");
    var mine = x509.generateCertificate(Files.newInputStream(Path.of(env.get("TLS_CERT"))));
    var pem = Files.readString(Path.of(env.get("TLS_KEY"))).replaceAll("-----[A-Z ]+-----|\\s", "");
    var secret = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    store.setKeyEntry("client", secret, new char[0], new Certificate[] {mine});
    store.setCertificateEntry("server", x509.generateCertificate(Files.newInputStream(Path.of(env.get("TLS_CA")))));
    var identity = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    identity.init(store, new char[0]);
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    var context = SSLContext.getInstance("TLS");
    context.init(identity.getKeyManagers(), trust.getTrustManagers(), null);
    return context.getSocketFactory();
  }

  /** Returns the endpoints: those for clients with a certificate if there is one. */
  private ReadOnlyOIDCProviderEndpointMetadata endpoints() {
    return certificate == null ? server : server.getReadOnlyMtlsEndpointAliases();
  }

  private interface Call {
    HTTPResponse send() throws Exception;
  }

  /** Sends a request, and once more if the server wants its nonce in the proof. */
  private HTTPResponse retried(Call call) throws Exception {
    var response = call.send();
    return !response.indicatesSuccess() && "use_dpop_nonce".equals(ErrorObject.parse(response).getCode()) ? call.send() : response;
  }

  /** Sends a request with a DPoP proof, and keeps the nonce of the response for the next one. */
  private HTTPResponse bound(HTTPRequest request, AccessToken access) throws Exception {
    request.setSSLSocketFactory(certificate);
    if (proofs != null) {
      request.setDPoP(proofs.createDPoPJWT(request.getMethod().name(), request.getURI(), access, serverNonce));
    }
    var response = request.send();
    if (response.getDPoPNonce() != null) {
      serverNonce = response.getDPoPNonce();
    }
    return response;
  }

  private IDTokenClaimsSet idToken(OIDCTokenResponse response, Nonce nonce) throws Exception {
    var token = response.getOIDCTokens().getIDToken();
    var alg = JWSAlgorithm.parse(token.getHeader().getAlgorithm().getName());
    return new IDTokenValidator(server.getIssuer(), id, alg, server.getJWKSetURI().toURL()).validate(token, nonce);
  }

  private Map<String, Object> verify(AccessToken token) throws Exception {
    var processor = new DefaultJWTProcessor<SecurityContext>();
    processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(Set.of(JWSAlgorithm.RS256, JWSAlgorithm.ES256), keys));
    var issuer = server.getIssuer().getValue();
    processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>(
        issuer, new JWTClaimsSet.Builder().issuer(issuer).build(), Set.of("exp", "iat", "sub", "jti", "client_id")));
    processor.process(token.getValue(), null);
    return SignedJWT.parse(token.getValue()).getPayload().toJSONObject();
  }

  private Map<String, Object> introspect(AccessToken token) throws Exception {
    var request = new TokenIntrospectionRequest(endpoints().getIntrospectionEndpointURI(), authentication(), token);
    return TokenIntrospectionResponse.parse(bound(request.toHTTPRequest(), null)).toSuccessResponse().toJSONObject();
  }

  private URI send(URI uri) throws Exception {
    print("go_to", uri.toString());
    return URI.create(input.readLine());
  }

  private static void print(Object... members) {
    var object = new HashMap<String, Object>();
    for (int i = 0; i < members.length; i += 2) {
      object.put((String) members[i], members[i + 1]);
    }
    System.out.println(JSONObjectUtils.toJSONString(object));
  }
}
