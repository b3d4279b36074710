// What a document is: a sweep, a model or a method.
#pragma once
#include <filesystem>
#include <optional>

#include "core/document/json.hpp"

namespace isorbit::experiments {

enum class DocumentKind { sweep, model, method };

/// The kind it has most keys of, "name", "doc" and "constants" aside; nothing: it has none of any.
[[nodiscard]] std::optional<DocumentKind> kind_of(const core::Document& document);

/// Reads a document of a kind. Throws DocumentError where it cannot be read or is plainly of another kind,
/// which is then all that is said of it.
[[nodiscard]] core::Document read_document_of(DocumentKind kind, const std::filesystem::path& file);

}  // namespace isorbit::experiments
