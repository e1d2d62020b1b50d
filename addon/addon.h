#pragma once

#include <napi.h>

// Each adds the functions of one capability.
void addObjects(Napi::Object exports);
void addFiles(Napi::Object exports);
void addInside(Napi::Object exports);
void addNamespaces(Napi::Object exports);
void addPing(Napi::Object exports);
void addJournal(Napi::Object exports);
void addSystem(Napi::Object exports);
