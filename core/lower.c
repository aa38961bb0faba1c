/* Lowering: from a declaration to operations, and where everything lies. Nothing is drawn or copied here. */
#include "learner.h"

enum {
    MOST_UNITS = 1 << 20,
    MOST_SIDE = 4096,
    MOST_LAYERS = 1000,
    MOST_EXPERTS = 256,
    MOST_TABLES = 1024,
    MOST_TESTS = 12
};

/* ---- checking a declaration ------------------------------------------------------------------------------ */

static bool whole(double x, double low, double high) { return x >= low && x <= high && (double)(int64_t)x == x; }
static bool number(double x, double low) { return x >= low && x <= 1e300; }

/* Whether a smaller build has it: those of the default pools. */
static bool is_small_layer(const double *d)
{
    switch ((int)d[HW_L_KIND]) {
    case HW_DENSE: return d[HW_L_INITIALIZER] == HW_INITIALIZER_zeros || d[HW_L_INITIALIZER] == HW_INITIALIZER_lecun;
    case HW_ACTIVATION: return d[HW_L_CODE] == HW_ACT_relu;
    case HW_LAYER_NORM: return d[HW_L_BIAS] == 0;
    default: return false;
    }
}

static bool is_small_expert(const double *e)
{
    bool loss = e[HW_E_LOSS] == HW_LOSS_cross_entropy || e[HW_E_LOSS] == HW_LOSS_huber || e[HW_E_LOSS] == HW_LOSS_mse ||
                e[HW_E_LOSS] == HW_LOSS_poisson;
    return loss && (e[HW_E_RULE] == HW_RULE_sgd || hw_is_factored((int)e[HW_E_RULE])) &&
           e[HW_E_SCHEDULE] == HW_SCHEDULE_constant &&
           e[HW_E_L1] + e[HW_E_L2] + e[HW_E_CLIP_NORM] + e[HW_E_CLIP_VALUE] == 0;
}

static int check_layer(const double *d, int first, bool embedding, hw_fault *fault)
{
    double kind = d[HW_L_KIND];
    DECLARED(whole(kind, 0, HW_LAYER_KINDS - 1) && kind != HW_CELLS && (kind != HW_RECURRENT || !first), "kind of a layer",
             "one of the kinds", kind);
    if (first)
        DECLARED(embedding ? kind == HW_EMBEDDING : kind == HW_DENSE || kind == HW_IMAGE, "first layer",
                 "a dense layer, an embedding or an image", kind);
    else
        DECLARED(kind != HW_EMBEDDING && kind != HW_IMAGE, "a later layer", "no embedding or image", kind);
    if (kind == HW_DENSE || kind == HW_EMBEDDING || kind == HW_CONV) {
        DECLARED(whole(d[HW_L_UNITS], 1, MOST_UNITS), "units of a layer", "a whole number from 1 to 1048576",
                 d[HW_L_UNITS]);
        DECLARED(whole(d[HW_L_INITIALIZER], 0, HW_INITIALIZER_COUNT - 1), "initializer", "one of the initializers",
                 d[HW_L_INITIALIZER]);
        DECLARED(d[HW_L_SCALE] >= -1e30 && d[HW_L_SCALE] <= 1e30, "scale of an initializer", "a number", d[HW_L_SCALE]);
    }
    DECLARED(whole(d[HW_L_CODE], 0, HW_ACTIVATION_COUNT - 1), "activation", "one of the activations", d[HW_L_CODE]);
    if (kind == HW_DROPOUT)
        DECLARED(d[HW_L_CONSTANT] >= 0 && d[HW_L_CONSTANT] < 1, "rate of dropout", "from 0 up to but not 1",
                 d[HW_L_CONSTANT]);
    DECLARED(d[HW_L_CONSTANT] >= -1e30 && d[HW_L_CONSTANT] <= 1e30, "constant of a layer", "a number", d[HW_L_CONSTANT]);
    DECLARED(whole(d[HW_L_BIAS], 0, 1), "bias of a layer", "0 or 1", d[HW_L_BIAS]);
    DECLARED(whole(d[HW_L_INDEX], 0, MOST_LAYERS), "index of a layer", "0 to 1000", d[HW_L_INDEX]);
    BUILT(is_small_layer(d), "a layer", "one of the default pools", kind);
    return 0;
}

/* What the layers make of an image, one after the other; channels 0: numbers side by side. */
typedef struct picture {
    int64_t channels, height, width;
    hw_window window; /* of the layer behind it; size 0: none */
} picture;

static int check_window(const double *d, picture *at, hw_fault *fault)
{
    DECLARED(at->channels && !at->window.size, "a window", "one on an image", HW_KERNEL);
    DECLARED(whole(d[HW_L_UNITS], 1, MOST_SIDE) && whole(d[HW_L_CONSTANT], 1, MOST_SIDE), "size and step of a window",
             "whole numbers from 1 to 4096", d[HW_L_UNITS]);
    DECLARED(whole(d[HW_L_SCALE], 0, d[HW_L_UNITS] - 1), "padding of an image", "a whole number below the window's size",
             d[HW_L_SCALE]);
    at->window = (hw_window){.size = (int32_t)d[HW_L_UNITS],
                             .step = (int32_t)d[HW_L_CONSTANT],
                             .padding = (int32_t)d[HW_L_SCALE],
                             .channels = (int32_t)at->channels,
                             .height = (int32_t)at->height,
                             .width = (int32_t)at->width};
    int64_t more = 2 * at->window.padding - at->window.size, high = at->height + more, wide = at->width + more;
    DECLARED(high >= 0 && wide >= 0, "a window", "no larger than its image", d[HW_L_UNITS]);
    int64_t seen = (int64_t)at->window.size * at->window.size * at->channels;
    int64_t framed = (at->height + 2 * at->window.padding) * (at->width + 2 * at->window.padding) * at->channels;
    DECLARED(seen <= HW_MOST_ENTRIES && framed <= HW_MOST_ENTRIES, "a window and its image", "16777216 numbers at most",
             (double)(seen > framed ? seen : framed));
    at->window.out_height = (int32_t)(high / at->window.step + 1);
    at->window.out_width = (int32_t)(wide / at->window.step + 1);
    return 0;
}

/* One layer more of a net that reads an image, or of one that doesn't. */
static int check_picture(const double *d, picture *at, hw_fault *fault)
{
    int kind = (int)d[HW_L_KIND];
    if (!HW_WHOLE)
        return 0;
    if (kind == HW_KERNEL)
        return check_window(d, at, fault);
    bool slides = kind == HW_CONV || kind == HW_POOL;
    DECLARED(slides == (at->window.size > 0), "a window", "one in front of each convolution and pool, and nowhere else",
             kind);
    DECLARED(!(slides || kind == HW_FLATTEN) || at->channels, "convolution, pool and flatten", "on an image", kind);
    DECLARED(kind != HW_DENSE || !at->channels, "a dense layer", "none on an image that was not flattened", kind);
    if (kind == HW_POOL)
        DECLARED(whole(d[HW_L_CODE], 0, 1) && 2 * at->window.padding <= at->window.size, "pool",
                 "of the largest number or the mean, with a padding of half its size at most", d[HW_L_CODE]);
    if (kind == HW_IMAGE)
        DECLARED(whole(d[HW_L_UNITS], 1, MOST_SIDE) && whole(d[HW_L_CONSTANT], 1, MOST_SIDE) &&
                     whole(d[HW_L_SCALE], 1, MOST_SIDE),
                 "channels, height and width of an image", "whole numbers from 1 to 4096", d[HW_L_UNITS]);
    if (kind == HW_IMAGE)
        *at = (picture){(int64_t)d[HW_L_UNITS], (int64_t)d[HW_L_CONSTANT], (int64_t)d[HW_L_SCALE], {0}};
    if (slides)
        *at = (picture){
            kind == HW_CONV ? (int64_t)d[HW_L_UNITS] : at->channels, at->window.out_height, at->window.out_width, {0}};
    if (kind == HW_FLATTEN)
        *at = (picture){0};
    DECLARED(at->channels * at->height * at->width <= HW_MOST_ENTRIES, "numbers of an image", "16777216 at most",
             (double)(at->channels * at->height * at->width));
    return 0;
}

static int check_expert(const double *e, hw_fault *fault)
{
    DECLARED(whole(e[HW_E_LOSS], 0, HW_LOSS_COUNT - 1), "loss", "one of the losses", e[HW_E_LOSS]);
    DECLARED(number(e[HW_E_LOSS_NUMBER], 0), "number of the loss", "0 or more", e[HW_E_LOSS_NUMBER]);
    DECLARED(whole(e[HW_E_RULE], 0, HW_RULE_COUNT - 1), "update rule", "one of the rules", e[HW_E_RULE]);
    for (int i = 0; i < 4; i++)
        DECLARED(number(e[HW_E_RULE_NUMBERS + i], 0), "number of the update rule", "0 or more", e[HW_E_RULE_NUMBERS + i]);
    DECLARED(whole(e[HW_E_SCHEDULE], 0, HW_SCHEDULE_COUNT - 1), "schedule", "one of the schedules", e[HW_E_SCHEDULE]);
    DECLARED(e[HW_E_LR] > 0 && e[HW_E_LR] <= 1e300, "step size", "above 0", e[HW_E_LR]);
    DECLARED(number(e[HW_E_SCHEDULE_NUMBERS], 0) && number(e[HW_E_SCHEDULE_NUMBERS + 1], 0), "numbers of the schedule",
             "0 or more", e[HW_E_SCHEDULE_NUMBERS]);
    for (int i = HW_E_L1; i <= HW_E_CLIP_VALUE; i++)
        DECLARED(number(e[i], 0), "penalty or bound", "0 or more", e[i]);
    DECLARED(whole(e[HW_E_REPLAYS], 0, 1000), "replays", "0 to 1000", e[HW_E_REPLAYS]);
    DECLARED(whole(e[HW_E_FIRST_REPLAYS], 0, 1000), "first replays", "0 to 1000", e[HW_E_FIRST_REPLAYS]);
    DECLARED(whole(e[HW_E_CELLS], 0, 1), "cells of an expert", "0 or 1", e[HW_E_CELLS]);
    DECLARED(e[HW_E_CELLS] == 0 || e[HW_E_REPLAYS] + e[HW_E_FIRST_REPLAYS] == 0, "replays of an expert with cells", "0",
             e[HW_E_REPLAYS] + e[HW_E_FIRST_REPLAYS]);
    DECLARED(whole(e[HW_E_LAYERS], 1, MOST_LAYERS), "layers of an expert", "1 to 1000", e[HW_E_LAYERS]);
    BUILT(is_small_expert(e), "loss, update rule and penalties", "those of the default pools", e[HW_E_RULE]);
    return 0;
}

/* One expert has a recurrence, if a memory is declared: right behind its first layer, and none of its rows is learned
 * twice. */
static int check_recurrence(const double *d, const double *memory, hw_fault *fault)
{
    const double *at = d + HW_HEAD;
    int found = 0;
    if (!HW_WHOLE)
        return 0;
    for (int e = 0; e < (int)d[HW_D_EXPERTS]; e++) {
        const double *x = at, *layer = at + HW_EXPERT;
        for (int i = 0; i < (int)x[HW_E_LAYERS]; i++, layer += HW_LAYER) {
            if (layer[HW_L_KIND] != HW_RECURRENT)
                continue;
            found++;
            DECLARED(i == 1 && x[HW_E_LAYERS] > 2, "a recurrence", "as the second layer, with layers behind it", i);
            DECLARED(memory && (layer - HW_LAYER)[HW_L_UNITS] >= 2 * memory[HW_M_UNITS], "units before a recurrence",
                     "two for each of its own, or more", (layer - HW_LAYER)[HW_L_UNITS]);
            DECLARED(x[HW_E_CELLS] + x[HW_E_REPLAYS] + x[HW_E_FIRST_REPLAYS] == 0, "an expert with a recurrence",
                     "neither cells nor replays", x[HW_E_REPLAYS]);
            DECLARED((layer - HW_LAYER)[HW_L_BIAS] == 1, "bias before a recurrence", "1", 0);
        }
        at = layer;
    }
    DECLARED(found == (memory ? 1 : 0), "recurrences", "one, where a memory is declared", found);
    return 0;
}

/* What else the head asks for. */
static bool begin_workings(hw_learner *l)
{
    return (!l->answer_inputs || hw_begin_part(l, HW_PART_lag)) && (!l->knots || hw_begin_part(l, HW_PART_curves)) &&
           (!l->ring || hw_begin_part(l, HW_PART_replay));
}

static int check_head(const double *d, int64_t count, hw_fault *fault)
{
    DECLARED(count >= HW_HEAD + HW_EXPERT + HW_LAYER, "size of the declaration", "a head, an expert and a layer",
             (double)count);
    DECLARED(whole(d[HW_D_VERSION], HW_FIRST_VERSION, HW_VERSION), "version of the declaration", "2 to 5", d[HW_D_VERSION]);
    static const int flags[] = {HW_D_DOUBLE, HW_D_GROWING, HW_D_STANDARD, HW_D_TARGETS, HW_D_HISTORY, HW_D_EMBEDDING};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        DECLARED(whole(d[flags[i]], 0, 1), "a switch of the declaration", "0 or 1", d[flags[i]]);
    DECLARED(whole(d[HW_D_INPUTS], 0, 1 << 24), "inputs", "0 to 16777216", d[HW_D_INPUTS]);
    DECLARED(whole(d[HW_D_KNOTS], 0, 64) && d[HW_D_KNOTS] != 1 && d[HW_D_KNOTS] != 2, "knots", "0, or 3 to 64",
             d[HW_D_KNOTS]);
    DECLARED(whole(d[HW_D_RING], 0, 1 << 20), "samples kept for replay", "0 to 1048576", d[HW_D_RING]);
    DECLARED(whole(d[HW_D_INTERVALS], 0, HW_INTERVAL_KINDS - 1), "intervals", "0 to 5", d[HW_D_INTERVALS]);
    DECLARED(whole(d[HW_D_SEED_LOW], 0, 4294967295.0) && whole(d[HW_D_SEED_HIGH], 0, 4294967295.0), "seed",
             "two halves of 32 bits", d[HW_D_SEED_LOW]);
    DECLARED(whole(d[HW_D_MAX_ROWS], 16, 1 << 30), "max_rows", "16 to 1073741824", d[HW_D_MAX_ROWS]);
    DECLARED(whole(d[HW_D_OUTPUTS], 1, MOST_UNITS), "outputs", "1 to 1048576", d[HW_D_OUTPUTS]);
    DECLARED(whole(d[HW_D_EXPERTS], 1, MOST_EXPERTS), "experts", "1 to 256", d[HW_D_EXPERTS]);
    DECLARED(d[HW_D_GROWING] == 0 || d[HW_D_EMBEDDING] == 0, "embedding", "0 where names grow", d[HW_D_EMBEDDING]);

    DECLARED(whole(d[HW_D_TABLES], 0, MOST_TABLES) && (d[HW_D_TABLES] == 0 || d[HW_D_GROWING] == 1), "cell tables",
             "0 to 1024, and 0 where names don't grow", d[HW_D_TABLES]);
    DECLARED(whole(d[HW_D_TESTS], 0, MOST_TESTS) && (d[HW_D_TESTS] > 0) == (d[HW_D_TABLES] > 0), "tests of a cell table",
             "1 to 12, or 0 without tables", d[HW_D_TESTS]);
    return 0;
}

/* What the experts of a declaration add up to. */
typedef struct in_all {
    bool cross_entropy, recurrent;
    int replays, classes, cells;
} in_all;

/* The layers of an expert, from *at on, which moves behind them. */
static int check_layers(const double *d, int64_t count, const double **at, int layers, bool classes, in_all *all,
                        hw_fault *fault)
{
    const double *end = d + count;
    double units = 0, behind = 0;
    picture shown = {0};
    for (int i = 0; i < layers; i++, *at += HW_LAYER) {
        const double *layer = *at;
        DECLARED(end - layer >= HW_LAYER, "size of the declaration", "a layer more", (double)count);
        int status = check_layer(layer, i == 0, d[HW_D_EMBEDDING] == 1, fault);
        if (status >= 0)
            status = check_picture(layer, &shown, fault);
        if (status < 0)
            return status;
        all->recurrent = all->recurrent || layer[HW_L_KIND] == HW_RECURRENT;
        if (layer[HW_L_KIND] == HW_DENSE || layer[HW_L_KIND] == HW_EMBEDDING)
            units = layer[HW_L_UNITS], behind = 0;
        else
            behind++;
    }
    DECLARED(!classes || d[HW_D_GROWING] == 0 || behind == 0, "layers behind the outputs", "none where classes appear",
             behind);
    DECLARED(!shown.channels && !shown.window.size, "an image", "one that is flattened", HW_IMAGE);
    DECLARED(units == d[HW_D_OUTPUTS], "units of an expert's last layer", "as many as outputs", units);
    return 0;
}

static int check_experts(const double *d, int64_t count, const double **at, in_all *all, hw_fault *fault)
{
    for (int e = 0; e < (int)d[HW_D_EXPERTS]; e++) {
        const double *x = *at;
        DECLARED(d + count - x >= HW_EXPERT, "size of the declaration", "an expert more", (double)count);
        int status = check_expert(x, fault);
        if (status < 0)
            return status;
        all->cross_entropy = all->cross_entropy && x[HW_E_LOSS] == HW_LOSS_cross_entropy;
        all->replays += (int)(x[HW_E_REPLAYS] + x[HW_E_FIRST_REPLAYS]);
        all->cells += (int)x[HW_E_CELLS];
        bool own = hw_is_of_classes((int)x[HW_E_LOSS]);
        DECLARED(e == 0 || own == (all->classes > 0), "losses of the experts", "all of classes, or none", x[HW_E_LOSS]);
        all->classes += own;
        *at += HW_EXPERT;
        status = check_layers(d, count, at, (int)x[HW_E_LAYERS], own, all, fault);
        if (status < 0)
            return status;
    }
    return 0;
}

/* What head, experts and parts say of each other. */
static int check_together(const double *d, const in_all *all, const hw_span *own, hw_fault *fault)
{
    bool several = false;
    for (int p = 0; p < HW_KIND_PARTS; p++)
        several = several || (own[p].at && hw_parts[p]->several);
    int status = check_recurrence(d, own[HW_PART_recurrent].at, fault);
    if (status < 0)
        return status;
    DECLARED(!all->classes || d[HW_D_TARGETS] == 0, "answers standardised", "numbers, not classes", 1);
    DECLARED(all->classes || several || d[HW_D_GROWING] == 0 || d[HW_D_OUTPUTS] == 1, "outputs",
             "one, where a sample's answer is one number", d[HW_D_OUTPUTS]);
    DECLARED((all->cells > 0) == (d[HW_D_TABLES] > 0), "cell tables", "some if an expert has cells, else 0",
             d[HW_D_TABLES]);
    DECLARED(all->replays == 0 || d[HW_D_RING] > 0, "replays", "samples kept for replay", all->replays);
    DECLARED(d[HW_D_TARGETS] == 0 || d[HW_D_EMBEDDING] == 0, "answers standardised", "no embedding", 1);
    return 0;
}

static void read_head(hw_learner *l, const double *d)
{
    l->is_double = d[HW_D_DOUBLE] == 1;
    l->growing = d[HW_D_GROWING] == 1;
    l->standard = d[HW_D_STANDARD] == 1;
    l->targets = d[HW_D_TARGETS] == 1;
    l->embedding = d[HW_D_EMBEDDING] == 1;
    l->history = d[HW_D_HISTORY] == 1;
    l->answer_inputs = l->history && l->targets ? HW_ANSWER_INPUTS : 0;
    l->knots = (int)d[HW_D_KNOTS];
    l->experts = (int)d[HW_D_EXPERTS];
    l->ring = (int)d[HW_D_RING];
    l->intervals = (int)d[HW_D_INTERVALS];
    l->seed = (uint64_t)d[HW_D_SEED_LOW] | (uint64_t)d[HW_D_SEED_HIGH] << 32;
    l->max_rows = (int32_t)d[HW_D_MAX_ROWS];
    l->all = l->experts + (l->intervals == HW_SCALED);
}

/* An image is what the one expert of a net reads. */
static int read_image(hw_learner *l, const double *d, hw_fault *fault)
{
    const double *first = d + HW_HEAD + HW_EXPERT;
    l->image = l->image_channels = 0;
    for (int e = 0; e < l->experts; e++, first += HW_LAYER * (int64_t)first[HW_E_LAYERS - HW_EXPERT] + HW_EXPERT)
        if (HW_WHOLE && first[HW_L_KIND] == HW_IMAGE) {
            double numbers = first[HW_L_UNITS] * first[HW_L_CONSTANT] * first[HW_L_SCALE];
            DECLARED(l->experts == 1 && !l->growing && numbers == d[HW_D_INPUTS], "an image",
                     "as many inputs as it has numbers, of a net alone", numbers);
            l->image = (int32_t)numbers;
            l->image_channels = (int32_t)first[HW_L_UNITS];
        }
    return 0;
}

int hw_parse(hw_learner *l, const double *d, int64_t count, hw_fault *fault)
{
    in_all all = {.cross_entropy = true};
    hw_span own[HW_KIND_PARTS] = {0};
    const double *at = d + HW_HEAD;
    int status = check_head(d, count, fault);
    if (status >= 0)
        status = check_experts(d, count, &at, &all, fault);
    if (status >= 0)
        status = hw_find_declared(d, count, at, all.recurrent, own, fault);
    if (status >= 0)
        status = check_together(d, &all, own, fault);
    if (status < 0)
        return status;
    read_head(l, d);
    status = read_image(l, d, fault);
    if (status < 0)
        return status;
    l->mixture = l->experts + l->history == 1 ? HW_HEDGED
                 : all.cross_entropy          ? HW_CLASSES
                 : l->targets                 ? HW_NUMBERS
                                              : HW_HEDGED;
    BUILT(l->growing && !l->history, "names and label history", "names that grow, and no label history", l->history);
    if (!begin_workings(l))
        return HW_NO_MEMORY;
    DECLARED(!l->intervals || d[HW_D_OUTPUTS] == 1, "intervals", "one output", d[HW_D_OUTPUTS]);
    DECLARED(!l->answer_inputs || l->growing, "label history", "no numbers where inputs are fixed", 1);
    DECLARED(!l->history || l->mixture, "label history", "cross-entropy, or answers that are standardised", 1);
    for (int p = 0; p < HW_KIND_PARTS && status >= 0; p++)
        status = own[p].at ? hw_parts[p]->parse(l, d, own + p, fault) : 0;
    return HW_EMBEDS && status >= 0 ? hw_check_reader(l, fault) : status;
}

/* ---- laying out ------------------------------------------------------------------------------------------ */

/* The scale expert: linear, learns ln E|y − ŷ| by Poisson's loss. */
static const double SCALE_EXPERT[HW_EXPERT + HW_LAYER] = {[HW_E_LOSS] = HW_LOSS_poisson,
                                                          [HW_E_LOSS_NUMBER] = 0,
                                                          [HW_E_RULE] = HW_RULE_rmsprop,
                                                          [HW_E_RULE_NUMBERS] = 0.999,
                                                          [HW_E_RULE_NUMBERS + 1] = 1e-8,
                                                          [HW_E_SCHEDULE] = HW_SCHEDULE_constant,
                                                          [HW_E_LR] = 0.003,
                                                          [HW_E_LAYERS] = 1,
                                                          [HW_EXPERT + HW_L_KIND] = HW_DENSE,
                                                          [HW_EXPERT + HW_L_UNITS] = 1,
                                                          [HW_EXPERT + HW_L_BIAS] = 1,
                                                          [HW_EXPERT + HW_L_INITIALIZER] = HW_INITIALIZER_zeros,
                                                          [HW_EXPERT + HW_L_SCALE] = 0.05};

static const int RULE_STATES[] = {
#define HW_ROW(name, states, exact, epsilon, corrected) states,
    HW_RULES(HW_ROW)
#undef HW_ROW
};
static const int RULE_EXACT[] = {
#define HW_ROW(name, states, exact, epsilon, corrected) exact,
    HW_RULES(HW_ROW)
#undef HW_ROW
};
static const int RULE_EPSILON[] = {
#define HW_ROW(name, states, exact, epsilon, corrected) epsilon,
    HW_RULES(HW_ROW)
#undef HW_ROW
};
static const bool LOSS_OF_CLASSES[] = {
#define HW_ROW(name, classes) classes,
    HW_LOSSES(HW_ROW)
#undef HW_ROW
};

bool hw_is_factored(int rule) { return rule == HW_RULE_adagrad || rule == HW_RULE_rmsprop; }

bool hw_is_of_classes(int loss) { return LOSS_OF_CLASSES[loss]; }

int hw_rule_states(int rule) { return rule < 0 || rule >= HW_RULE_COUNT ? 0 : RULE_STATES[rule]; }

/* Outputs that fit without laying out anew: few steps for few, a quarter more for many. */
static int capacity_for(int outputs)
{
    if (outputs <= 16)
        return hw_lanes(outputs);
    return hw_lanes(outputs <= 64 ? outputs : outputs + outputs / 4);
}

static int64_t round_up(int64_t n) { return (n + 15) / 16 * 16; }

static void read_expert(hw_expert_t *e, const double *d)
{
    *e = (hw_expert_t){.loss = (int)d[HW_E_LOSS],
                       .rule = (int)d[HW_E_RULE],
                       .schedule = (int)d[HW_E_SCHEDULE],
                       .replays = (int)d[HW_E_REPLAYS],
                       .first_replays = (int)d[HW_E_FIRST_REPLAYS],
                       .cells = -1,
                       .recurrent = -1,
                       .loss_number = d[HW_E_LOSS_NUMBER],
                       .lr = d[HW_E_LR],
                       .lr_declared = d[HW_E_LR],
                       .l1 = d[HW_E_L1],
                       .l2 = d[HW_E_L2],
                       .clip_norm = d[HW_E_CLIP_NORM],
                       .clip_value = d[HW_E_CLIP_VALUE]};
    memcpy(e->rule_numbers, d + HW_E_RULE_NUMBERS, sizeof e->rule_numbers);
    memcpy(e->schedule_numbers, d + HW_E_SCHEDULE_NUMBERS, sizeof e->schedule_numbers);
    int epsilon = RULE_EPSILON[e->rule];
    if (epsilon >= 0 && e->rule_numbers[epsilon] < 1e-30) /* 0/0 is no step: read as the smallest that matters */
        e->rule_numbers[epsilon] = 1e-30;
    e->exact = RULE_EXACT[e->rule];
    e->states = RULE_STATES[e->rule];
    e->plain = e->l1 == 0 && e->l2 == 0 && e->clip_value == 0;
}

typedef struct draft {
    hw_learner *l;
    int64_t values, lists, dense, buffers, room;
    int32_t widest;
} draft;

static hw_op *emit(draft *at, int kind, const double *layer, int32_t source, int64_t n, int64_t m, int64_t m_capacity,
                   int64_t own)
{
    hw_op *o = at->l->op + at->l->ops++;
    *o = (hw_op){.kind = kind,
                 .code = (int32_t)layer[HW_L_CODE],
                 .n = (int32_t)n,
                 .m = (int32_t)m,
                 .n_lanes = hw_lanes(n),
                 .m_lanes = hw_lanes(m),
                 .units = (int32_t)n,
                 .source = source,
                 .target = (int32_t)at->values,
                 .layer = (int32_t)layer[HW_L_INDEX],
                 .constant = layer[HW_L_CONSTANT],
                 .weights = -1,
                 .bias = -1,
                 .buffer = -1,
                 .squares = -1};
    at->values += round_up(m_capacity + own);
    at->widest = hw_lanes(m_capacity) > at->widest ? hw_lanes(m_capacity) : at->widest;
    at->widest = o->n_lanes > at->widest ? o->n_lanes : at->widest;
    return o;
}

static void lower_dense(draft *at, hw_expert_t *e, const double *layer, hw_op *o, bool grows, int64_t capacity, int sparse)
{
    o->initializer = (int32_t)layer[HW_L_INITIALIZER];
    o->scale = layer[HW_L_SCALE];
    o->single = o->m == 1 && !grows;
    o->sparse = sparse && !o->single;
    o->stride = o->single ? 1 : hw_lanes(capacity);
    o->weights = at->dense;
    at->dense += round_up(o->single ? o->n_lanes : o->n * o->stride);
    if (layer[HW_L_BIAS] == 1) {
        o->bias = at->dense;
        at->dense += round_up(capacity);
    }
    o->list = (int32_t)at->lists;
    at->lists += o->sparse ? round_up(o->n + 2) : 0;
    (void)e;
}

static void lower_norm(draft *at, hw_op *o, const double *layer)
{
    if (o->kind != HW_LAYER_NORM || layer[HW_L_BIAS] == 1) { /* of a recurrence: nu and theta, in their logarithms */
        o->weights = at->dense;
        o->bias = at->dense + round_up(o->units);
        at->dense += 2 * round_up(o->units);
    }
    if (o->kind == HW_BATCH_NORM) {
        o->buffer = at->buffers;
        at->buffers += round_up(2 * o->units + 1);
    }
}

/* Its n rows are those of a window, its columns the neurons that see it. */
static void lower_convolution(draft *at, const double *layer, hw_op *o)
{
    const hw_window *q = &o->window;
    int64_t row = hw_lanes((int64_t)q->size * q->channels), framed;
    framed = (int64_t)(q->height + 2 * q->padding) * (q->width + 2 * q->padding) * q->channels;
    o->units = (int32_t)layer[HW_L_UNITS];
    o->n = q->size * q->size * q->channels;
    o->initializer = (int32_t)layer[HW_L_INITIALIZER];
    o->scale = layer[HW_L_SCALE];
    o->stride = hw_lanes(o->units);
    o->weights = at->dense;
    at->dense += round_up(o->n * o->stride);
    if (layer[HW_L_BIAS] == 1) {
        o->bias = at->dense;
        at->dense += o->stride;
        at->dense = round_up(at->dense);
    }
    int64_t room = 2 * (framed + 64) + 2 * o->units * (q->size * row + 16) + (o->n + 1) * o->stride + 64;
    int64_t made = (int64_t)q->out_height * q->out_width * o->stride + 64;
    room = room > made ? room : made;
    at->room = room > at->room ? room : at->room;
}

static void place_cells(draft *at, hw_op *o)
{
    o->weights = at->dense;
    at->dense += round_up(o->n * o->stride);
}

/* Whether a rule's numbers of an expert are factored in a lean pool: not where each unit is a class, which sees rows of its
 * own, nor behind a recurrence, whose gradients have no rank of one. */
static bool is_factored(const hw_learner *l, const hw_expert_t *x)
{
    return x->states && x->recurrent < 0 && !hw_outputs_in_table(l, x);
}

/* What rules keep of a row in a lean pool: one number, or one a weight. Returns how many. */
static int32_t place_in_rows(hw_learner *l)
{
    int32_t at = 0;
    for (int lanes = 16; lanes; lanes = lanes == 16 ? 8 : lanes == 8 ? 4 : 0) /* wide ones first, each on a whole vector */
        for (int e = 0; e < l->all; e++) {
            hw_expert_t *x = l->expert + e;
            int32_t own = x->most_lanes < 16 ? x->most_lanes : 16;
            if (!x->states || own != lanes || is_factored(l, x))
                continue;
            x->numbers = at;
            at += x->most_lanes;
        }
    for (int e = 0; e < l->all; e++) {
        hw_expert_t *x = l->expert + e;
        if (!is_factored(l, x))
            continue;
        x->factored = 1;
        x->numbers = at++;
    }
    return hw_lanes(at);
}

/* Where the rules' numbers lie. In a lean pool cells stand behind all dense layers, whose numbers alone are as many as
 * their weights. */
static void place_numbers(draft *at)
{
    hw_learner *l = at->l;
    l->numbers = (hw_numbers){0, at->dense, l->stride};
    for (int e = 0; e < l->all && !l->lean; e++) {
        l->expert[e].numbers = l->expert[e].column;
        l->expert[e].states = l->states;
    }
    if (!l->lean)
        return;
    int64_t end = at->dense;
    for (int e = 0; e < l->all; e++) {
        const hw_expert_t *x = l->expert + e;
        if (x->cells < 0)
            continue;
        hw_op *o = l->op + x->cells;
        place_cells(at, o);
        if (x->states) {
            o->squares = end;
            end += round_up(o->n);
        }
    }
    l->numbers = (hw_numbers){end, end + l->stride, place_in_rows(l)};
}

/* The cells that are added to an expert's first layer: row t << tests | cell is that of table t. They lie outside the
 * expert's stretch of dense numbers, since a step touches only one row of each table. */
static void lower_cells(draft *at, hw_expert_t *e, const double *layer, int32_t source, int64_t capacity)
{
    hw_learner *l = at->l;
    hw_op *o = emit(at, HW_CELLS, layer, source, e->width, e->width, capacity, 0);
    o->n = l->cells->tables << l->cells->used;
    o->stride = hw_lanes(capacity);
    e->cells = l->ops - 1;
    if (!l->lean)
        place_cells(at, o);
}

/* What a layer keeps behind its outputs: draws, means, traces. */
static int64_t own_numbers(const hw_learner *l, int kind, int64_t n, int64_t m)
{
    switch (kind) {
    case HW_DROPOUT: return hw_lanes(n);
    case HW_LAYER_NORM: return 2;
    case HW_RECURRENT: return HW_OWN * (int64_t)l->recurrent->units;
    case HW_CONV: return 16;
    case HW_POOL: return hw_lanes(m) + 48;
    default: return 0;
    }
}

/* Whether the outputs of a layer are mostly zeros, of which the next one reads the others alone. */
static int is_sparse(const hw_op *o, int before)
{
    if (o->kind == HW_ACTIVATION)
        return o->code == HW_ACT_relu;
    return o->kind == HW_DROPOUT || o->kind == HW_POOL || o->kind == HW_FLATTEN ? before : 0;
}

/* What only some kinds of layers have. before: the picture that it reads. */
static void lower_layer(draft *at, hw_expert_t *e, const double *layer, hw_op *o, const picture *before)
{
    int kind = o->kind;
    if (!HW_WHOLE) /* its layers have nothing of these */
        return;
    o->window = before->window;
    if (kind == HW_FLATTEN)
        o->window = (hw_window){.channels = (int32_t)before->channels, .height = (int32_t)(o->n / before->channels)};
    if (kind == HW_BATCH_NORM && before->channels)
        o->units = (int32_t)before->channels;
    if (kind == HW_CONV)
        lower_convolution(at, layer, o);
    else if (kind == HW_LAYER_NORM || kind == HW_BATCH_NORM || kind == HW_RECURRENT)
        lower_norm(at, o, layer);
    if (kind == HW_RECURRENT)
        e->recurrent = at->l->ops - 1;
    if (kind == HW_DROPOUT || kind == HW_BATCH_NORM)
        e->two_pass = 1;
}

/* The layers of an expert behind its first one; last: the place of that whose units are the outputs. */
static void lower_layers(draft *at, hw_expert_t *e, const double *layers, int count, int last, bool grows, int outputs,
                         int capacity, int32_t source)
{
    hw_learner *l = at->l;
    int64_t n = HW_WHOLE && l->image ? l->image : e->width;
    int sparse = 0;
    picture shown = {0};
    if (HW_WHOLE && l->image)
        (void)check_picture(layers, &shown, NULL);
    for (int i = 1; i < count; i++) {
        const double *layer = layers + i * HW_LAYER;
        int kind = hw_kind((int)layer[HW_L_KIND]);
        bool output = i == last;
        picture before = shown;
        if (HW_WHOLE && l->image)
            (void)check_picture(layer, &shown, NULL);
        if (kind == HW_KERNEL)
            continue;
        int64_t m = kind == HW_DENSE             ? (output ? outputs : (int64_t)layer[HW_L_UNITS])
                    : HW_WHOLE && shown.channels ? shown.channels * shown.height * shown.width
                                                 : n;
        int64_t m_capacity = output && grows ? capacity : hw_lanes(m);
        hw_op *o = emit(at, kind, layer, source, n, m, m_capacity, own_numbers(l, kind, n, m));
        if (kind == HW_DENSE)
            lower_dense(at, e, layer, o, output && grows, m_capacity, sparse);
        lower_layer(at, e, layer, o, &before);
        sparse = is_sparse(o, sparse);
        source = o->target;
        n = m;
    }
    e->logits = source;
    e->outputs = (int32_t)n;
}

/* The layers of one expert behind its columns of the table. */
static void lower_expert(draft *at, int index, const double *layers, int count, bool reads_cells, int outputs, int capacity)
{
    hw_learner *l = at->l;
    hw_expert_t *e = l->expert + index;
    int last = 0;
    for (int i = 0; i < count; i++)
        if (layers[i * HW_LAYER + HW_L_KIND] == HW_DENSE || layers[i * HW_LAYER + HW_L_KIND] == HW_EMBEDDING)
            last = i;
    bool grows = l->growing && index < l->experts && (l->bandit || hw_is_of_classes(e->loss));
    int32_t source = 16 + e->column;
    e->first = l->ops;
    if (reads_cells) {
        lower_cells(at, e, layers, source, last == 0 && grows ? capacity : hw_lanes(l->image ? l->image : e->width));
        source = l->op[e->cells].target;
    }
    e->dense_first = at->dense;
    e->initializer = (int32_t)layers[HW_L_INITIALIZER];
    e->scale = layers[HW_L_SCALE];
    lower_layers(at, e, layers, count, last, grows, outputs, capacity, source);
    e->last = l->ops;
    e->dense_last = at->dense;
}

/* Columns of each expert in a row of the table: wide ones first, each on a whole vector, narrow ones behind them. */
static void place_columns(hw_learner *l)
{
    int32_t at = 0;
    for (int narrow = 0; narrow < 2; narrow++)
        for (int e = 0; e < l->all; e++) {
            int32_t lanes = l->expert[e].most_lanes;
            if ((lanes < 16) != narrow)
                continue;
            if (lanes == 8)
                at = (at + 7) / 8 * 8;
            l->expert[e].column = at;
            at += lanes;
        }
    l->stride = hw_lanes(at);
}

/* Where the declaration of an expert lies, that of the scale expert for the one behind all others. */
static const double *declared_expert(const hw_learner *l, int e, const double **at)
{
    if (e >= l->experts)
        return SCALE_EXPERT;
    const double *d = *at;
    *at = d + HW_EXPERT + HW_LAYER * (int64_t)d[HW_E_LAYERS];
    return d;
}

/* Take memory for experts and operations in place of those of before. */
static bool begin_lowering(hw_learner *l)
{
    int64_t layers = 0;
    const double *at = l->declaration + HW_HEAD;
    for (int e = 0; e < l->experts; e++)
        layers += (int64_t)declared_expert(l, e, &at)[HW_E_LAYERS];
    hw_expert_t *experts = hw_allocate(&l->memory, (uint64_t)l->all * sizeof(hw_expert_t));
    hw_op *ops = hw_allocate(&l->memory, (uint64_t)(layers + l->experts + 1) * sizeof(hw_op));
    if (!experts || !ops) {
        hw_release(experts);
        hw_release(ops);
        return false;
    }
    hw_release(l->expert);
    hw_release(l->op);
    l->expert = experts;
    l->op = ops;
    l->ops = 0;
    return true;
}

/* How wide an expert is in the table, and with room for more outputs. */
static void size_expert(hw_learner *l, int e, const double *d, int outputs, int capacity)
{
    const double *first = d + HW_EXPERT;
    hw_expert_t *x = l->expert + e;
    read_expert(x, d);
    bool one = true; /* the table's columns are the outputs */
    for (int i = 1; i < (int)d[HW_E_LAYERS]; i++)
        one = one && first[i * HW_LAYER + HW_L_KIND] != HW_DENSE;
    bool grows = one && l->growing && e < l->experts && (l->bandit || hw_is_of_classes(x->loss));
    x->width = l->image ? 0 : one && e < l->experts ? outputs : (int32_t)first[HW_L_UNITS];
    x->lanes = hw_lanes(x->width);
    x->most_lanes = hw_lanes(grows ? capacity : x->width);
    l->bias = l->bias && first[HW_L_KIND] == HW_DENSE && first[HW_L_BIAS] == 1;
    l->states = RULE_STATES[x->rule] > l->states ? RULE_STATES[x->rule] : l->states;
    l->counted = l->counted || !x->exact;
}

static int end_lowering(hw_learner *l, draft *draft)
{
    if (draft->values > INT32_MAX / 2 || draft->lists > INT32_MAX / 2)
        return HW_TOO_LARGE;
    place_numbers(draft);
    l->length = (int32_t)draft->values;
    l->lists = (int32_t)draft->lists + 16;
    l->dense = draft->dense;
    l->buffers = draft->buffers;
    l->widest = draft->widest;
    if (draft->room && !hw_begin_part(l, HW_PART_window))
        return HW_NO_MEMORY;
    if (l->window)
        l->window->numbers = draft->room;
    return 0;
}

int hw_lower(hw_learner *l, int outputs, int capacity)
{
    if (!begin_lowering(l))
        return HW_NO_MEMORY;
    l->outputs = outputs;
    l->states = 0;
    l->bias = true;
    l->counted = l->growing;
    if (!capacity)
        capacity = l->growing ? capacity_for(outputs) : hw_lanes(outputs);
    l->output_capacity = capacity;
    const double *at = l->declaration + HW_HEAD;
    for (int e = 0; e < l->all; e++)
        size_expert(l, e, declared_expert(l, e, &at), outputs, capacity);
    place_columns(l);
    draft draft = {
        .l = l, .values = 16 + round_up(l->stride > l->image ? l->stride : l->image), .widest = hw_lanes(l->stride)};
    at = l->declaration + HW_HEAD;
    for (int e = 0; e < l->all; e++) {
        const double *d = declared_expert(l, e, &at);
        lower_expert(&draft, e, d + HW_EXPERT, (int)d[HW_E_LAYERS], d[HW_E_CELLS] == 1, e < l->experts ? outputs : 1,
                     capacity);
    }
    return end_lowering(l, &draft);
}
