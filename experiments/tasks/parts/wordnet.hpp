// WordNet's data files (wndb(5WN)): a synset a line,
//   offset lex_filenum ss_type w_cnt word lex_id [word lex_id ...] p_cnt ... | gloss; "example"; "example"
// with w_cnt in hexadecimal, underscores for spaces, and markers such as (a) after adjectives. Lines that
// begin with two spaces are the licence.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace isorbit::experiments::tasks {

struct Synset {
  char word_class = 'n';            // n, v, a or r; satellite adjectives (s) count as a
  std::vector<std::string> lemmas;  // of one word in lower-case letters, and no others
  std::vector<std::string> examples;
};

/// Throws DataError naming `where` and the line that is no synset.
[[nodiscard]] std::vector<Synset> parse_wordnet(std::string_view text, const std::string& where);

}  // namespace isorbit::experiments::tasks
