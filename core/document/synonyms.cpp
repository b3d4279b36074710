#include "core/document/synonyms.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

namespace isorbit::core {
namespace {

/// A line: words of PyTorch, Hugging Face, Hydra and the papers for one thing, without "_" and capitals.
const std::vector<std::vector<std::string_view>>& meanings() {
  static const std::vector<std::vector<std::string_view>> all = {
      {"learningrate", "lr", "baselr", "maxlr", "peaklr", "stepsize", "eta"},
      {"peak", "lr", "baselr", "maxlr", "peaklr", "learningrate", "initiallr"},
      {"floor", "minlr", "etamin", "minlrratio", "finallr"},
      {"warmup", "warmupsteps", "numwarmupsteps", "warmupiters", "warmupratio"},
      {"weightdecay", "rate", "decay", "wd", "lambda"},
      {"epsilon", "eps", "adameps", "adamepsilon", "layernormeps", "rmsnormeps"},
      {"beta1", "betas", "adambeta1"},
      {"beta2", "adambeta2"},
      {"clipnorm", "clip", "gradclip", "gradclipnorm", "clipgradnorm", "maxgradnorm", "gradientclipval",
       "clipgrad"},
      {"rank", "r", "lorar", "lorarank"},
      {"alpha", "loraalpha"},
      {"steps", "maxsteps", "numsteps", "totalsteps", "trainsteps", "numtrainsteps", "iterations", "iters",
       "maxiters", "epochs", "numepochs", "numtrainepochs", "maxepochs"},
      {"batch", "batchsize", "bs", "microbatchsize", "trainbatchsize", "perdevicetrainbatchsize"},
      {"accumulate", "gradientaccumulationsteps", "gradaccum", "gradaccumsteps", "accumulategradbatches"},
      {"validateevery", "evalsteps", "evalevery", "evalinterval", "valinterval", "evalfrequency",
       "valcheckinterval"},
      {"checkpointevery", "savesteps", "saveevery", "saveinterval", "checkpointinterval"},
      {"spectraevery", "logevery", "loggingsteps", "loginterval"},
      {"recompute", "gradientcheckpointing", "activationcheckpointing", "checkpointactivations"},
      {"threads", "numthreads", "numworkers", "nthreads"},
      {"ranks", "worldsize", "nprocs", "numprocesses", "nprocpernode", "gpus", "devices"},
      {"dtype", "precision", "torchdtype", "mixedprecision"},
      {"f32", "float32", "fp32", "float", "single"},
      {"bf16", "bfloat16", "half", "fp16", "float16"},
      {"seeds", "seed", "randomseed", "rngseed"},
      {"arms", "methods", "experiments", "optimizers", "optimizer"},
      {"method", "optimizer", "optim", "config"},
      {"update", "optimizer", "optim", "optimizers"},
      {"parameters", "params", "targetmodules", "modules", "pattern", "match"},
      {"parametrization", "adapter", "peft", "reparametrization"},
      {"corpus", "dataset", "datasetname", "data", "trainfile", "path"},
      {"file", "path", "modelpath", "modelnameorpath"},
      {"id", "name", "label"},
      {"tokenizer", "tokenizername", "vocabfile"},
      {"vocab", "vocabsize", "nvocab", "numembeddings", "rows"},
      {"width", "dmodel", "hiddensize", "nembd", "dim", "embeddim", "embeddingdim", "hiddendim", "modeldim"},
      {"depth", "nlayer", "nlayers", "numlayers", "numhiddenlayers", "layers"},
      {"heads", "nhead", "nheads", "numheads", "numattentionheads"},
      {"kvheads", "nkvheads", "numkeyvalueheads", "numkvheads"},
      {"ffn", "intermediatesize", "dff", "ffndim", "mlpdim", "innerdim", "ffnhiddensize"},
      {"seq", "seqlen", "sequencelength", "contextlength", "context", "nctx", "blocksize", "maxlength",
       "maxseqlen", "maxpositionembeddings"},
      {"units", "outfeatures", "features", "outputdim", "outdim", "embeddingdim"},
      {"kind", "type", "name", "class", "target", "op"},
      {"op", "type", "kind", "layer", "module", "target", "class"},
      {"in", "inputs", "input", "args"},
      {"schedule", "type", "kind", "name", "scheduler", "lrscheduler"},
      {"cosine", "cosinewithwarmup", "cosineannealing", "cosineannealinglr", "cosineschedule",
       "warmupcosine"},
      {"linear", "linearwithwarmup", "linearlr", "lineardecay"},
      {"constant", "constantwithwarmup", "constantlr"},
      {"wsd", "warmupstabledecay", "trapezoidal"},
      {"rmsnorm", "llamarmsnorm", "t5layernorm"},
      {"layernorm", "ln", "norm"},
      {"linear", "dense", "fc", "fullyconnected", "conv1d", "proj"},
      {"embedding", "embed", "lookup", "wte"},
      {"positionembedding", "wpe", "posembed", "positionalembedding", "positionalencoding"},
      {"attention", "multiheadattention", "mha", "sdpa", "scaleddotproductattention", "selfattention",
       "flashattention"},
      {"rope", "rotary", "rotaryembedding", "rotarypositionembedding", "rotaryposemb"},
      {"crossentropy", "crossentropyloss", "nll", "nllloss", "celoss"},
      {"silu", "swish"},
      {"swiglu", "glu", "silumul"},
      {"add", "residual", "plus", "addition"},
      {"subtract", "sub", "minus"},
      {"mul", "multiply", "times", "product"},
      {"matmul", "bmm", "mm", "dot", "einsum"},
      {"reshape", "view", "flatten"},
      {"transpose", "permute", "swapaxes"},
      {"momentum", "nesterov", "heavyball"},
      {"orthogonalize", "newtonschulz"},
      {"bytes", "byte", "byt5", "bytelevel", "char", "chars"},
      {"run", "train", "fit", "start", "launch", "sweep"},
      {"eval", "evaluate", "test", "benchmark"},
      {"validate", "check", "lint", "verify"},
      {"compare", "report", "results", "summary"},
      {"status", "ps", "progress", "watch"},
      {"retry", "resume", "restart", "continue"},
      {"gc", "clean", "prune", "purge"},
      {"plan", "estimate", "dryrun", "show"},
      {"submit", "sbatch", "slurm"},
      {"methods", "words", "optimizers", "optimizer", "updates", "events", "parametrizations", "schedules"},
      {"ops", "layers", "modules", "operators"},
      {"engines", "devices", "backends"},
      {"measures", "metrics"},
  };
  return all;
}

std::string normal(std::string_view word) {
  std::string out;
  for (const char c : word)
    if (c != '_' && c != '-' && c != ' ')
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// A name before and after its last dot.
struct Dotted {
  std::string_view before, last;
  explicit Dotted(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    before = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
    last = dot == std::string_view::npos ? name : name.substr(dot + 1);
  }
};

bool mean_the_same(const std::string& a, const std::string& b) {
  const auto has = [](const auto& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  return std::any_of(meanings().begin(), meanings().end(),
                     [&](const auto& words) { return has(words, a) && has(words, b); });
}

}  // namespace

std::optional<std::string> same_meaning(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kLongestWord = 200;
  if (word.empty() || word.size() > kLongestWord) return {};
  const Dotted own(word);
  const std::string last = normal(own.last);
  std::optional<std::string> by_meaning;
  for (const std::string& candidate : candidates) {
    const Dotted other(candidate);
    // Of two dotted names both may be files or weights, which their endings say nothing of.
    if (!own.before.empty() && !other.before.empty() && own.before != other.before) continue;
    const std::string theirs = normal(other.last);
    if (theirs.empty() || candidate == word) continue;
    if (theirs == last && (own.before.empty() || other.before.empty() || normal(candidate) == normal(word)))
      return candidate;
    if (!by_meaning && mean_the_same(last, theirs)) by_meaning = candidate;
  }
  return by_meaning;
}

}  // namespace isorbit::core
