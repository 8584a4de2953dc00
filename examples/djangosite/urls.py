from django.contrib import admin
from django.urls import path
from notes import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", views.notes, name="notes"),
    path("visits/", views.visits, name="visits"),
    path("upload/", views.upload, name="upload"),
]
