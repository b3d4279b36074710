// Whether files are those of a result, read to their last byte.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "experiments/training/result.hpp"

namespace isorbit::experiments {

/// Entry of a record's /provenance: SHA-256 of the weights.safetensors that its attempt left.
inline constexpr const char* kWeightsDigest = "weights_sha256";

/// The result of the cell in a file that is there; nothing where it is damaged or another cell's, and `fault`
/// then says so. Throws std::system_error where the file cannot be read, as all of these do.
[[nodiscard]] std::optional<Result> result_of(const std::filesystem::path& file, const std::string& cell_id,
                                              std::string* fault = nullptr);

/// Why a file is not the record of the cell, and of the attempt that started then where that is known, in a
/// sentence; empty: it is.
[[nodiscard]] std::string fault_of_record(const std::filesystem::path& run, const std::string& cell_id,
                                          std::optional<double> started = {});

/// Why a file does not have the weights of the cell, by their SHA-256 where that is known, else by what the
/// file says of itself; empty: it has.
[[nodiscard]] std::string fault_of_weights(const std::filesystem::path& weights, const std::string& cell_id,
                                           const std::string& sha256 = {});

}  // namespace isorbit::experiments
