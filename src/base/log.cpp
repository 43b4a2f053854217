#include "base/log.h"

namespace sextant::log {
namespace {

thread_local std::span<const Field> current_fields;

}  // namespace

std::span<const Field> fields() { return current_fields; }

FieldScope::FieldScope(Fields fields) { current_fields = {fields.begin(), fields.size()}; }
FieldScope::~FieldScope() { current_fields = {}; }

}  // namespace sextant::log
