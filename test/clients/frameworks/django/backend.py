"""What the project does with the claims of its users."""

from urllib.parse import urlencode

from django.conf import settings
from mozilla_django_oidc.auth import OIDCAuthenticationBackend


class Backend(OIDCAuthenticationBackend):
    """Keeps the name and the groups of a user; the default keeps the address alone."""

    def create_user(self, claims):
        return self.update_user(super().create_user(claims), claims)

    def update_user(self, user, claims):
        from django.contrib.auth.models import Group

        user.first_name, user.last_name = claims.get("given_name", ""), claims.get("family_name", "")
        user.save()
        user.groups.set(Group.objects.get_or_create(name=name)[0] for name in claims.get("groups", []))
        return user


def end_session_url(request):
    """Return the address that ends the session at Ostiary too."""
    query = {
        "id_token_hint": request.session["oidc_id_token"],
        "post_logout_redirect_uri": request.build_absolute_uri("/"),
    }
    return settings.ISSUER + "/oauth2/sessions/logout?" + urlencode(query)
