
/* Begin from the exported state. Call it first, and model_load behind it. Returns 0 or an error, as all functions do. */
int model_begin(void);

/* Predict a row x (MODEL_INPUTS numbers in the order of the columns above; NAN: missing) into p (MODEL_OUTPUTS numbers):
 * the probability of each class, the number, how unusual the row is (from 0 to 1), or what the next number of a series is. */
int model_predict(const double *x, float *p);

/* Predict, then learn the label y, the place of a class in the list above or a number, with weight (1: as it is). Where rows are
 * learned alone, y counts for nothing; of a series it is the number itself, NAN where it is missing. Returns 1 if it was
 * learned, 0 if not, or an error. */
int model_learn(const double *x, double y, double weight, float *p);

#ifdef MODEL_EXPLAINS
/* Why the model predicts what it predicts of a row: what each column contributes (MODEL_INPUTS numbers; 0: missing), and what is
 * predicted at the baseline (may be NULL), where every number is at its mean; of a series, where no column is known. Both together
 * are the prediction: the probability of class `chosen` (-1: the likeliest), the number, or how unusual the row is, as the raw
 * score. Nothing is learned. Returns 0 or an error. */
int model_explain(const double *x, int chosen, float *contributions, float *baseline);
#endif

/* A number that stands for the whole state: headwater on a desktop computes the same. */
uint64_t model_digest(void);

/* Flash: how to read, erase and program it, and where two areas of MODEL_FLASH_BYTES begin, each in pages of its own. Functions
 * return 0 where they succeed. Bytes are programmed once between two erasures, in multiples of 8. */
typedef struct model_flash {
    int (*read)(void *context, uint32_t at, void *to, uint32_t bytes);
    int (*erase)(void *context, uint32_t at, uint32_t bytes);
    int (*program)(void *context, uint32_t at, const void *from, uint32_t bytes);
    void *context;
    uint32_t first, second;
    const unsigned char *mapped; /* where address 0 of flash is in memory. Only a model with an arena loads from there */
} model_flash;

enum {
    MODEL_BAD_LABEL = -1,
    MODEL_BAD_FLASH = -2,
    MODEL_NOTHING_SAVED = -3,
    MODEL_NO_MEMORY = -4, /* the arena is too small; nothing has changed */
    MODEL_REFUSED = -5,   /* the learner can't do what was asked */
    MODEL_TOO_LARGE = -6  /* the state has outgrown its room in flash; nothing has changed there */
};

/* Save the state. Whenever the power fails, model_load finds the state before or this one, whole. Returns 0 or an error. */
int model_save(const model_flash *flash);

/* Go on from the newest whole save of this model. Returns 0, or an error: then the state is as it was. */
int model_load(const model_flash *flash);

#ifdef __cplusplus
}
#endif
#endif
