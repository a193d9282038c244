"""The pages of the project."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import include, path
from mozilla_django_oidc.views import OIDCLogoutView


def home(request):
    return HttpResponse("signed in" if request.user.is_authenticated else "signed out")


def me(request):
    user = request.user
    if not user.is_authenticated:
        return redirect("oidc_authentication_init")
    return JsonResponse(
        {"email": user.email, "given_name": user.first_name, "groups": sorted(g.name for g in user.groups.all())}
    )


def refresh(request):
    """For the test: have the middleware ask now rather than when 15 minutes are over."""
    request.session["oidc_id_token_expiration"] = 0
    return redirect("/me")


def sign_out(request):
    """A link for what mozilla-django-oidc takes as a form."""
    return OIDCLogoutView().post(request)


urlpatterns = [
    path("", home),
    path("me", me),
    path("refresh", refresh),
    path("sign-out", sign_out),
    path("oidc/", include("mozilla_django_oidc.urls")),
]
