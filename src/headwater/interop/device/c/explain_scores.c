
/* ---- explanation: what each column contributes to the raw score of how unusual a row is ------------------------------------ */

static double of_row[EXPLAINED_ROWS];

static int explain_row(hw_learner *l, int chosen, float *contributions, float *baseline)
{
    double score, of_new;
    (void)chosen;
    memset(of_row, 0, sizeof of_row);
    int status = hw_contributions(l, of_row, &score, &of_new);
    if (status < 0)
        return status;
    for (int i = 0; i < MODEL_INPUTS; i++) {
        double own = of_row[l->slots.row[slot_of_input[i]]];
        contributions[i] = (float)own;
        score -= own;
    }
    if (baseline)
        *baseline = (float)score;
    return 0;
}
